"""From the energy of a peak back to the mass and the elements it can come from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from surfspec.errors import InputError
from surfspec.given import interval, number
from surfspec.leis.collisions import isotopes as iso
from surfspec.leis.collisions.kinematics import (
    HIGHEST_ENERGY,
    LOWEST_BEAM,
    check_geometry,
    isotope_energies,
    target_mass,
)
from surfspec.leis.planning.tables import checked_elements, made, positive

Array = NDArray[np.float64]

#: Share of an element's isotopes from which they count as a peak of their own, where a gap sets them apart.
NOTICED = 0.05
#: Combined standard uncertainties from which a distance is no chance.
FAR = 3.0


@dataclass(frozen=True)
class _Line:
    """A peak that an element can give: without loss, and with the smallest and largest one."""

    element: str
    mass_number: int
    elastic: float
    high: float
    low: float


def candidates(
    energies: ArrayLike,
    *,
    ion: str = "4He",
    energy: float = 3000.0,
    angle: float = 145.0,
    resolution: float = 0.02,
    energy_unc: ArrayLike = 1.0,
    elements: Iterable[str] | None = None,
    loss: tuple[float, float] = (0.0, 25.0),
    count: int = 5,
) -> xr.Dataset:
    r"""Find which elements a measured surface peak can come from.

    .. math:: \frac{M_2}{M_1} = \frac{1 + K - 2\sqrt K\cos\theta}{1 - K - Q/E_0}, \qquad K = E_1/E_0

    Losses in the collision pull a measured peak below the elastic energy, by up to about 20 eV for 3 keV helium; the
    true loss is taken as evenly distributed over `loss`. A candidate is listed when the peak lies within half a
    resolution, or within three standard uncertainties, of the energies which that range allows.

    Parameters
    ----------
    energies
        Measured peak energies, shape (peak,) or one number, eV.
    ion, energy, angle
        Projectile isotope, its energy (eV) and the scattering angle (deg).
    resolution
        FWHM of the peaks over their energy, 1.
    energy_unc
        Standard uncertainty of the measured energies, calibration included, eV.
    elements
        Which to consider; all natural elements by default.
    loss
        Smallest and largest inelastic loss `Q`, eV.
    count
        How many candidates to list at most.

    Returns
    -------
    xarray.Dataset
        Of kind ``table``. Over ``peak``: ``measured`` (eV), ``mass`` with ``mass_unc`` (u; for the middle of the
        losses, their spread in the uncertainty), ``elastic_mass`` (u; for no loss), ``possible`` (elements that are
        possible) and ``statement`` (in words: the element, or ambiguous, or impossible and why). Over (peak, rank),
        the nearest first: ``candidate``, ``mass_number`` (of an isotope with a peak of its own, as 16O, which 18O
        leaves; -1 for the centroid of all), ``elastic_energy`` and ``distance`` (measured less elastic, eV),
        ``distance_fwhm`` (the same over the resolution) and ``deviation`` (measured less expected with the mean loss,
        over the combined standard uncertainty of both).

    Raises
    ------
    InputError, GeometryError
        For numbers that are none, unknown names, or an impossible geometry.

    Examples
    --------
    >>> found = candidates([1865.0, 2900.0], resolution=0.015, energy_unc=2.0, elements=["O", "Na", "Si", "P", "Zr"])
    >>> for text in found.statement.values:
    ...     print(text)
    P
    impossible: above Zr (2557 eV), the heaviest of the elements, and below the ion energy
    """
    check_geometry(energy, angle, lowest=LOWEST_BEAM)
    measured, unc = _checked(energies, energy_unc)
    positive(resolution, "resolution", "FWHM over energy")
    low, high = _checked_loss(loss, energy)
    names = checked_elements(elements)
    count = int(number(count, "count", low=1.0, high=1000.0))
    blank = np.full((measured.size, count), np.nan)
    ranked = {name: blank.copy() for name in ("elastic_energy", "distance", "distance_fwhm", "deviation")}
    chosen = np.full((measured.size, count), "", dtype="<U2")
    numbers = np.full((measured.size, count), -1)
    possible, statements = np.zeros(measured.size, dtype=int), []
    for index, (value, error) in enumerate(zip(measured, unc, strict=True)):
        fwhm = resolution * value
        lines = [
            line for name in names for line in _lines(name, fwhm, ion=ion, energy=energy, angle=angle, loss=(low, high))
        ]
        listed = _ranked(lines, value, error, fwhm) if value < energy else []
        possible[index] = len(listed)
        statements.append(_statement(value, energy, lines, [line.element for line, _ in listed]))
        for rank, (line, deviation) in enumerate(listed[:count]):
            chosen[index, rank], numbers[index, rank] = line.element, line.mass_number
            ranked["elastic_energy"][index, rank] = line.elastic
            ranked["distance"][index, rank] = value - line.elastic
            ranked["distance_fwhm"][index, rank] = (value - line.elastic) / fwhm
            ranked["deviation"][index, rank] = deviation
    shown = max(1, min(count, int(possible.max())))
    chosen, numbers = chosen[:, :shown], numbers[:, :shown]
    ranked = {name: values[:, :shown] for name, values in ranked.items()}
    mass, mass_unc = _mass(measured, unc, ion, energy, angle, (low, high))
    both, one = ("peak", "rank"), "peak"
    return made(
        {
            "measured": (one, measured, "eV", "Measured energy"),
            "measured_unc": (one, unc, "eV", "Standard uncertainty of the measured energy"),
            "mass": (one, mass, "u", "Mass of the target"),
            "mass_unc": (one, mass_unc, "u", "Standard uncertainty of the mass"),
            "elastic_mass": (
                one, target_mass(measured, ion=ion, energy=energy, angle=angle), "u", "Mass of the target, no loss"
            ),
            "possible": (one, possible, "1", "Number of possible elements"),
            "statement": (one, np.array(statements), "1", "What the position says"),
            "candidate": (both, chosen, "1", "Candidate"),
            "mass_number": (both, numbers, "1", "Mass number of a resolved isotope, -1 for the centroid"),
            "elastic_energy": (both, ranked["elastic_energy"], "eV", "Elastic energy of the candidate"),
            "distance": (both, ranked["distance"], "eV", "Measured less elastic energy"),
            "distance_fwhm": (both, ranked["distance_fwhm"], "1", "Distance over the resolution"),
            "deviation": (both, ranked["deviation"], "1", "Measured less expected over combined uncertainty"),
        },
        {"peak": range(measured.size), "rank": range(1, shown + 1)},
        {
            "ion": ion,
            "ion_energy": float(energy),
            "scattering_angle": float(angle),
            "resolution": float(resolution),
            "loss_low": low,
            "loss_high": high,
            "comment": "Inelastic losses pull measured peaks below the elastic energy; above it only double "
            "scattering and an error of the energy scale can bring them",
        },
    )  # fmt: skip


def _checked(energies: ArrayLike, energy_unc: ArrayLike) -> tuple[Array, Array]:
    try:
        if np.asarray(energies).dtype.kind not in "iuf" or np.asarray(energy_unc).dtype.kind not in "iuf":
            raise TypeError("text and truth values are no energies")
        measured = np.atleast_1d(np.asarray(energies, dtype=np.float64))
        unc = np.broadcast_to(np.asarray(energy_unc, dtype=np.float64), measured.shape).copy()
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(
            "energies or energy_unc are no numbers, or not of one shape",
            where="energies",
            remedy="Give a list of energies in eV: [1180.0]",
        ) from error
    if measured.ndim != 1 or measured.size == 0 or not np.all(np.isfinite(measured) & (measured > 0)):
        raise InputError("energies must be positive numbers", where="energies", remedy="Give a list of energies in eV")
    if not np.all(np.isfinite(unc) & (unc > 0)):
        raise InputError("energy_unc must be positive", where="energy_unc", remedy="Give a standard uncertainty in eV")
    return measured, unc


def _checked_loss(loss: tuple[float, float], energy: float) -> tuple[float, float]:
    low, high = interval(loss, "loss", low=0.0, high=HIGHEST_ENERGY)
    if not high < energy:
        raise InputError(
            f"loss is {loss}", where="loss", remedy="Give the smallest and the largest loss in eV: (0, 25)"
        )
    return low, high


def _lines(name: str, fwhm: float, *, ion: str, energy: float, angle: float, loss: tuple[float, float]) -> list[_Line]:
    """Return the centroid of an element, or those of its isotopes that a gap wider than the resolution sets apart."""
    target = iso.isotopes(name)
    out = []
    for branch in ("high", "low"):
        rows = np.stack([
            isotope_energies(name, ion=ion, energy=energy, angle=angle, loss=q, branch=branch)
            for q in (0.0, *loss)
        ])  # fmt: skip
        real = np.all(np.isfinite(rows), axis=0)
        if not np.any(real):
            continue
        rows, abundance, numbers = rows[:, real], target.abundance[real], target.mass_number[real]
        order = np.argsort(rows[0])
        groups = np.split(order, np.flatnonzero(np.diff(rows[0, order]) > fwhm) + 1)
        for group in groups:
            weight = abundance[group]
            if weight.sum() < NOTICED * abundance.sum():
                continue
            number = -1 if len(groups) == 1 else int(numbers[group[np.argmax(weight)]])
            out.append(_Line(name, number, *(float(np.average(row[group], weights=weight)) for row in rows)))
    return out


def _ranked(lines: list[_Line], value: float, unc: float, fwhm: float) -> list[tuple[_Line, float]]:
    """Return the line of each possible element that fits best, with its deviation, the best element first."""
    best: dict[str, tuple[_Line, float]] = {}
    for line in lines:
        low, high = min(line.low, line.high), max(line.low, line.high)
        outside = max(low - value, value - high, 0.0)
        if outside > max(0.5 * fwhm, FAR * unc):
            continue
        deviation = (value - 0.5 * (low + high)) / np.hypot(unc, (high - low) / np.sqrt(12.0))
        if line.element not in best or abs(deviation) < abs(best[line.element][1]):
            best[line.element] = (line, float(deviation))
    return sorted(best.values(), key=lambda pair: abs(pair[1]))


def _statement(value: float, energy: float, lines: list[_Line], listed: list[str]) -> str:
    if len(listed) > 1:
        return f"ambiguous within one resolution: {', '.join(listed)}"
    if listed:
        return listed[0]
    if value >= energy:
        return "impossible: at or above the ion energy"
    if not lines:
        return "impossible: none of the elements scatters this ion into this angle"
    top = max(lines, key=lambda line: line.elastic)
    bottom = min(lines, key=lambda line: line.low)
    if value > top.elastic:
        where = f"above {top.element} ({top.elastic:.0f} eV), the heaviest of the elements, and below the ion energy"
    elif value < bottom.low:
        where = f"below {bottom.element} ({bottom.elastic:.0f} eV), the lowest line of the elements"
    else:
        return "no element within half a resolution"
    return f"impossible: {where}"


def _mass(
    measured: Array, unc: Array, ion: str, energy: float, angle: float, loss: tuple[float, float]
) -> tuple[Array, Array]:
    """Return the mass for the mean loss, and its uncertainty by those of energy and loss."""
    middle = 0.5 * (loss[0] + loss[1])
    setting = {"energy": energy, "angle": angle}

    def at(peak: Array, q: float) -> Array:
        return target_mass(peak, ion=ion, loss=q, **setting)

    step = 1e-4 * energy
    by_energy = (at(measured + step, middle) - at(measured - step, middle)) / (2 * step)
    by_loss = (at(measured, loss[1]) - at(measured, loss[0])) / np.sqrt(12.0)
    return at(measured, middle), np.hypot(by_energy * unc, by_loss)
