"""Calculated powder patterns of phases."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from surfspec.errors import InputError
from surfspec.xrd.patterns import profile as profiles
from surfspec.xrd.patterns.profile import Caglioti
from surfspec.xrd.patterns.structure_factors import lines, lorentz_polarisation
from surfspec.xrd.patterns.wavelengths import Radiation, radiation
from surfspec.xrd.structures.phase import Phase

Array = NDArray[np.float64]


def pattern(
    phase: Phase,
    *,
    wavelength: str | float | Radiation,
    two_theta: tuple[float, float] | ArrayLike = (10.0, 90.0),
    profile: Caglioti | None = None,
    monochromator: float = 0.0,
    zero: float = 0.0,
    displacement: float = 0.0,
    scale: float | None = None,
    threshold: float = 1e-3,
) -> xr.Dataset:
    r"""Calculate the powder pattern of a phase.

    .. math:: I_{hkl} = S\, \frac{m |F|^2}{V^2}\, LP(\theta)

    Parameters
    ----------
    phase
        The structure.
    wavelength
        ``"CuKa"``, ``"CuKa1"``, ... or angstrom.
    two_theta
        Range (low, high) for the lines alone, or an array of angles in deg, on which the profile is drawn as well.
    profile
        Line width and shape; by default 0.1 deg wide pseudo-Voigt lines.
    monochromator
        2 theta of the monochromator crystal, deg; 0 for none.
    zero, displacement
        Shifts z and delta of the lines, deg, see :func:`surfspec.xrd.patterns.profile.shift`.
    scale
        S. By default the strongest line has a relative area of 100.
    threshold
        Lines weaker than this share of the strongest are left out.

    Returns
    -------
    xarray.Dataset
        Kind ``table`` over ``reflection``: ``reflection_two_theta`` (deg, of the first wavelength), ``d`` (angstrom),
        ``area``, ``relative_intensity`` (%), ``f_squared``, ``multiplicity``, ``h``, ``k``, ``l``. With an array of
        angles kind ``spectrum``, with ``intensity`` over ``two_theta`` in addition, and ``simulated`` in the attrs.

    Raises
    ------
    InputError
        Without a wavelength, for an empty or impossible range.

    Examples
    --------
    >>> from surfspec import xrd
    >>> salt = xrd.phases(["halite"])[0]
    >>> lines = xrd.pattern(salt, wavelength="CuKa1", two_theta=(25, 50))
    >>> lines.reflection_two_theta.values.round(2).tolist()
    [27.37, 31.7, 45.45]
    """
    light = radiation(wavelength)
    span, grid = _range(two_theta)
    found = lines(phase, light.wavelengths[0], span[1])
    positions = profiles.two_theta_of(found.q, light.wavelengths[0])
    strength = found.multiplicity * found.f_squared / found.volume**2
    strength = strength * lorentz_polarisation(positions, monochromator)
    keep = (positions >= span[0]) & (strength > threshold * strength.max(initial=0.0))
    strongest = float(strength[keep].max(initial=0.0))
    if strongest == 0.0:
        raise InputError(
            f"{phase.name} has no line between {span[0]:g} and {span[1]:g} deg at {light.wavelengths[0]:g} angstrom",
            where="two_theta",
            remedy="Choose a wider range",
        )
    factor = 100.0 / strongest if scale is None else scale
    columns = {
        "reflection_two_theta": (profiles.shift(positions[keep], zero, displacement), "deg", "2θ of the line"),
        "d": (found.d[keep], "angstrom", "Lattice spacing"),
        "area": (factor * strength[keep], "arb. units deg", "Integrated intensity"),
        "relative_intensity": (100.0 * strength[keep] / strongest, "%", "Intensity relative to the strongest line"),
        "f_squared": (found.f_squared[keep], "1", "Mean squared structure factor of the form, electrons²"),
        "multiplicity": (found.multiplicity[keep], "1", "Multiplicity"),
    }
    data = {name: ("reflection", values, {"units": unit, "long_name": label})
            for name, (values, unit, label) in columns.items()}  # fmt: skip
    coords: dict[str, object] = {
        name: ("reflection", found.hkl[keep, index], {"long_name": f"Miller index {name}"})
        for index, name in enumerate("hkl")
    }
    attrs = {"kind": "table", "technique": "XRD", "phase": phase.id, "formula": phase.formula, "simulated": "true",
             "wavelength": light.wavelengths[0], "wavelength_name": light.name, "trust": phase.trust}  # fmt: skip
    if grid is not None:
        drawn = _draw(grid, found.q[keep], factor * strength[keep], light, profile or Caglioti(), (zero, displacement))
        data["intensity"] = ("two_theta", drawn, {"units": "arb. units", "long_name": "Calculated intensity"})
        coords["two_theta"] = ("two_theta", grid, {"units": "deg", "long_name": "2θ"})
        attrs |= {"kind": "spectrum", "statistics": "unknown"}
    return xr.Dataset(data, coords=coords, attrs=attrs)


def _draw(grid: Array, q: Array, areas: Array, light: Radiation, shape: Caglioti, shifts: tuple[float, float]) -> Array:
    positions, strengths, _ = profiles.split_doublet(q, areas, light)
    inside = np.isfinite(positions)
    positions, strengths = positions[inside], strengths[inside]
    return profiles.draw(grid, profiles.shift(positions, *shifts), strengths, shape.fwhm(positions), shape.eta)


def _range(two_theta: tuple[float, float] | ArrayLike) -> tuple[tuple[float, float], Array | None]:
    values = np.asarray(two_theta, dtype=np.float64)
    grid = values if values.ndim == 1 and values.size > 2 else None
    if values.ndim != 1 or values.size < 2 or not np.all(np.isfinite(values)) or np.any(np.diff(values) <= 0):
        raise InputError(
            f"two_theta {two_theta!r} is no rising range", where="two_theta", remedy="Give (low, high) or rising angles"
        )
    low, high = float(values[0]), float(values[-1])
    if not 0.0 < high <= 179.0 or low < 0.0:
        raise InputError(
            f"two_theta runs from {low:g} to {high:g}", where="two_theta", remedy="Stay within 0 to 179 deg"
        )
    return (low, high), grid
