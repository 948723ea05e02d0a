"""Which elements a geometry can see, and tell from their neighbours: the whole periodic table at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec.errors import InputError
from surfspec.given import number
from surfspec.leis.collisions import isotopes as iso
from surfspec.leis.collisions.width import FWHM, line_broadening
from surfspec.leis.planning.element_lines import line_table
from surfspec.leis.planning.tables import checked_elements, made, positive

Array = NDArray[np.float64]

#: Energy (eV) below which peaks drown in sputtered ions and leave the range of analysers.
LOWEST: Final = 100.0
#: Distance over FWHM from which neighbours count as separated.
SEPARATED: Final = 1.0
#: Gases that are on a surface only when they were implanted.
NOBLE: Final = ("He", "Ne", "Ar", "Kr", "Xe", "Rn")
#: What ``state`` may say.
STATES: Final = ("forbidden", "too slow", "overlapped", "separated")


def visibility(
    elements: Iterable[str] | None = None,
    *,
    neighbours: Iterable[str] | None = None,
    ion: str = "4He",
    energy: float = 3000.0,
    angle: float = 145.0,
    resolution: float = 0.015,
    acceptance: float = 1.0,
    thermal_energy: float = 0.045,
    lowest: float = LOWEST,
    potential: str = "ZBL",
) -> xr.Dataset:
    r"""Tell which elements a geometry sees and how far the nearest other one is.

    The width of a peak is that of :class:`surfspec.leis.Recipe`, with the spread of the isotopes in it:
    :math:`s^2 = (wE/2.355)^2 + (dE/d\theta\;\Delta\theta/2.355)^2 + s_D^2 + s_\mathrm{iso}^2`.

    Parameters
    ----------
    elements
        Elements to look at; all natural elements by default.
    neighbours
        Elements that may be on the surface beside each of them; by default all of `elements` but the noble gases.
    ion, energy, angle
        Projectile isotope, its energy (eV) and the scattering angle (deg).
    resolution
        Of the analyser, FWHM over energy.
    acceptance, thermal_energy
        As in :class:`surfspec.leis.Recipe`, deg and eV.
    lowest
        Energy below which a peak cannot be used, eV.
    potential
        Of the cross-sections.

    Returns
    -------
    xarray.Dataset
        Of kind ``table`` over ``element``: ``number`` (atomic number), ``state`` (``forbidden``: no isotope scatters
        this ion into this angle; ``too slow``: below `lowest`; ``overlapped``: less than one FWHM from a neighbour;
        ``separated``), ``visible`` (1 for the last two), ``energy`` and ``fwhm`` (eV), ``nearest`` (symbol),
        ``separation`` (eV), ``separation_fwhm`` (over the mean FWHM of both), ``cross_section`` (angstrom2/sr).
        Charge exchange is no part of it: elements may neutralise the ions more or less.

    Raises
    ------
    InputError, GeometryError
        For numbers that are none, unknown names, or an impossible geometry.

    Examples
    --------
    >>> table = visibility(["O", "Na", "Al", "Si", "P", "Zr"], ion="20Ne", energy=5000, resolution=0.02)
    >>> dict(zip(table.element.values.tolist(), table.state.values.tolist()))["Na"]
    'too slow'
    >>> str(table.state.sel(element="O").values), str(table.nearest.sel(element="P").values)
    ('forbidden', 'Si')
    """
    positive(resolution, "resolution", "FWHM over energy")
    for value, where in ((acceptance, "acceptance"), (thermal_energy, "thermal_energy"), (lowest, "lowest")):
        number(value, where, low=0.0, high=1e6)
    names = checked_elements(elements)
    lines = line_table(names, ion=ion, energy=energy, angle=angle, potential=potential)
    peak = np.where(np.isfinite(lines.weighted_centroid.values), lines.weighted_centroid.values, lines.centroid.values)
    broadening = np.array([
        line_broadening(name, ion=ion, energy=energy, angle=angle, thermal_energy=thermal_energy) for name in names
    ])  # fmt: skip
    variance = (resolution * peak / FWHM) ** 2 + (acceptance * broadening[:, 0] / FWHM) ** 2 + broadening[:, 1]
    fwhm = FWHM * np.sqrt(variance + np.nan_to_num(lines.spread.values) ** 2)
    seen = np.isfinite(peak) & (np.nan_to_num(peak) >= lowest)
    beside = set(names) - set(NOBLE) if neighbours is None else set(checked_elements(neighbours, where="neighbours"))
    if not beside <= set(names):
        raise InputError(
            f"{', '.join(sorted(beside - set(names)))} not among the elements",
            where="neighbours",
            remedy="Add it to elements, or leave it out",
        )
    nearest, separation, in_widths = _nearest(peak, fwhm, seen, np.array([name in beside for name in names]))
    state = np.where(
        ~np.isfinite(peak),
        STATES[0],
        np.where(~seen, STATES[1], np.where(np.nan_to_num(in_widths, nan=np.inf) < SEPARATED, STATES[2], STATES[3])),
    )
    section = np.where(np.isfinite(peak), np.nansum((lines.abundance * lines.cross_section).values, axis=1), np.nan)
    return made(
        {
            "number": ("element", np.array([iso.isotopes(name).number for name in names]), "1", "Atomic number"),
            "state": ("element", state, "1", "What the geometry makes of the element"),
            "visible": ("element", seen.astype(int), "1", "1 where visible"),
            "energy": ("element", peak, "eV", "Energy of the peak"),
            "fwhm": ("element", fwhm, "eV", "FWHM of the peak"),
            "nearest": ("element", np.array([names[i] if i >= 0 else "" for i in nearest]), "1", "Nearest element"),
            "separation": ("element", separation, "eV", "Distance to the nearest element"),
            "separation_fwhm": ("element", in_widths, "1", "Distance to the nearest element over FWHM"),
            "cross_section": ("element", section, "angstrom2/sr", "Differential cross-section"),
        },
        {"element": names},
        {
            "ion": ion,
            "ion_energy": float(energy),
            "scattering_angle": float(angle),
            "resolution": float(resolution),
            "lowest": float(lowest),
            "potential": potential,
            "criterion": f"separated: the nearest element is {SEPARATED:g} FWHM away or more",
        },
    )


def _nearest(
    peak: Array, fwhm: Array, seen: NDArray[np.bool_], beside: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], Array, Array]:
    """Return index (-1 for none), distance and distance over mean FWHM of the nearest visible other element."""
    distance = np.abs(peak[:, None] - peak[None, :])
    mean = 0.5 * (fwhm[:, None] + fwhm[None, :])
    usable = seen[:, None] & (seen & beside)[None, :] & ~np.eye(peak.size, dtype=bool)
    widths = np.where(usable, distance / mean, np.inf)
    index = np.argmin(widths, axis=1)
    rows = np.arange(peak.size)
    found = np.isfinite(widths[rows, index])
    return (
        np.where(found, index, -1),
        np.where(found, distance[rows, index], np.nan),
        np.where(found, widths[rows, index], np.nan),
    )
