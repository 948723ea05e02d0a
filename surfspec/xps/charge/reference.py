"""The shift that a fitted reference line gives, and why a line may not serve as reference."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import reference, schema
from surfspec.errors import InputError, NotDeterminedError
from surfspec.reference.xps_positions import is_of

Array = NDArray[np.float64]

#: A second state of the reference level above this share of the first makes the reference ambiguous.
SECOND_STATE = 0.05
#: Largest uncertainty of a reference position that is still a reference, in eV.
LARGEST_UNCERTAINTY = 0.1
#: Shift in eV beyond which a reference energy must be a slip.
LARGEST_SHIFT = 100.0
#: Width in eV of a line that is looked for in the residuals, its significance and its height over the reference line's.
UNSEEN_WIDTH, UNSEEN_SIGMAS, UNSEEN_HEIGHT = 1.5, 6.0, 0.03
#: Widths of a fitted line within which residuals are its own and no line of another element.
OWN = 1.5


def reference_shift(
    fit: xr.Dataset,
    *,
    line: str,
    energy: float,
    component: str | None = None,
    elements: Collection[str] = (),
    force: bool = False,
) -> tuple[float, float, str]:
    r"""Return the shift of a reference line, its standard uncertainty, and what was forced.

    .. math:: \Delta = E_\mathrm{line} - E_\mathrm{reference}

    Parameters
    ----------
    fit
        Fit of the reference region, a single spectrum on the measured scale.
    line, energy, component, elements, force
        As for :func:`surfspec.xps.charge_correct`.

    Returns
    -------
    shift, shift_unc
        In eV; positive where the line lies above its reference energy.
    note
        The faults that `force` passed over; empty without any.

    Raises
    ------
    NotDeterminedError
        With every reason why the line cannot serve.
    InputError
        For a line that the fit does not have, or a fit that is a series or was corrected before.

    References
    ----------
    ISO 19318 (the reference must be determined, and its uncertainty reported).
    """
    _check_energy(energy)
    _check_fit(fit)
    lines = [str(name) for name in fit["line"].values]
    if line not in lines or line.endswith(" sat"):
        known = dict.fromkeys(name for name in lines if not name.endswith(" sat"))
        raise InputError(
            f"the fit has no line {line!r}", where="charge_correct", remedy=f"Its lines are {', '.join(known)}"
        )
    states = np.flatnonzero(np.array(lines) == line)
    main = _main(fit, states, line, component)
    center, unc = float(fit["center"].values[main]), float(fit["center_unc"].values[main])
    if abs(center - energy) > LARGEST_SHIFT:
        raise InputError(
            f"the shift would be {center - energy:.0f} eV",
            where="energy",
            remedy=f"Check the reference energy of {line}: it was fitted at {center:.1f} eV",
        )
    others = states if component is None else np.array([main])
    faults = [*_faults(fit, others, main, unc), *_overlapping(fit, line, elements, main, center - energy)]
    if faults and not (force and np.isfinite(center)):
        raise NotDeterminedError(
            f"{line} cannot serve as charge reference: " + "; ".join(faults),
            where=str(fit.attrs.get("source_file", "")),
            remedy="Choose another reference line, mend the fit, or pass force=True and answer for it",
        )
    return center - energy, unc, "; ".join(faults)


def _main(fit: xr.Dataset, states: NDArray[np.intp], line: str, component: str | None) -> int:
    """Return the index of the component that is the reference: the named one, else the largest of the line."""
    names = [str(fit["component"].values[i]) for i in states]
    if component is None:
        return int(states[np.argmax(np.nan_to_num(fit["area"].values[states]))])
    if component not in names:
        raise InputError(
            f"{component!r} is no component of {line}",
            where="component",
            remedy=f"Its components are {', '.join(names)}",
        )
    return int(states[names.index(component)])


def _check_energy(energy: object) -> None:
    if isinstance(energy, bool) or not isinstance(energy, int | float) or not 0 < energy < 1e5:
        raise InputError(f"energy is {energy!r}", where="energy", remedy="Give the reference energy in eV")


def _check_fit(fit: xr.Dataset) -> None:
    if "charge_shift" in fit.attrs or "energy_shift" in fit.coords:
        raise InputError(
            "the reference was fitted on an axis that is already corrected",
            where="charge_correct",
            remedy="Fit the reference on the measured scale, as it was read",
        )
    if schema.series_dims(fit):
        raise InputError(
            f"the fit is a series over {', '.join(schema.series_dims(fit))}",
            where="charge_correct",
            remedy="Pass the series that was fitted, select one member with .isel(), or correct each by its own fit",
        )


def _faults(fit: xr.Dataset, states: NDArray[np.intp], main: int, unc: float) -> list[str]:
    """Return what the fit says against its own line."""
    areas, uncs = fit["area"].values, fit["area_unc"].values
    names = [str(name) for name in fit["component"].values]
    faults = []
    if str(fit["verdict"].item()) == "failed":
        faults.append(f"its fit failed ({fit['reasons'].item()})")
    if np.isfinite(uncs[main]) and areas[main] < 3 * uncs[main]:
        faults.append("it is not detected")
    if not np.isfinite(unc) or unc <= 0:
        held = "a limit or the recipe holds its position" if not unc > 0 else ""
        faults.append(held or "its position is not determined")
    elif unc > LARGEST_UNCERTAINTY:
        faults.append(f"its position is known to {unc:.2g} eV only")
    others = [i for i in states if i != main and areas[i] > 3 * uncs[i] and areas[i] > SECOND_STATE * areas[main]]
    if others:
        several = ", ".join(names[i] for i in (main, *others))
        faults.append(f"it has several states ({several}), and component= names none")
    return faults


def _overlapping(fit: xr.Dataset, line: str, elements: Collection[str], main: int, shift: float) -> list[str]:
    """Return the lines of other elements that are there and would move the reference."""
    areas, uncs = fit["area"].values, fit["area_unc"].values
    photon = float(fit.attrs.get("photon_energy", float("nan")))
    named = {reference.element_symbol(one) for one in elements}
    fitted = {str(name): bool(areas[i] > 3 * uncs[i]) for i, name in enumerate(fit["line"].values)}
    faults = []
    for other in _spoilers(line):
        element = other.split()[0]
        own = [name for name in fitted if is_of(name, other) or _is_auger(name, element)]
        if any(fitted[name] for name in own):
            faults.append(f"{other} overlaps it in the window")
            continue
        if own or reference.known_overlap(line, other, photon_energy=photon) is None:
            continue  # the fit looked for it and found nothing, or it lies elsewhere with this source
        if element in named:
            faults.append(f"{other} overlaps it, and {element} is in the sample")
            continue
        at = _unseen(fit, other, photon, main, shift)
        if np.isfinite(at):
            faults.append(f"the data have a line at {at:.1f} eV that the model lacks, where {other} can lie")
    return faults


def _is_auger(line: str, element: str) -> bool:
    return line.split(maxsplit=1)[0] == element and line[-1].isalpha() and not line.endswith(" sat")


def _spoilers(line: str) -> tuple[str, ...]:
    """Return the lines in whose presence this one is no reference."""
    pairs = [pair for pair in reference.overlaps() if pair.spoils_reference]
    found = [pair.other for pair in pairs if is_of(line, pair.line)]
    return tuple(dict.fromkeys([*found, *(pair.line for pair in pairs if is_of(line, pair.other))]))


def _unseen(fit: xr.Dataset, other: str, photon: float, main: int, shift: float) -> float:
    """Return where the residuals have a line of another element, eV on the axis of the fit; NaN where they have none.

    The residuals are matched with a Gauss line; what lies within 1.5 widths of a fitted line is an error of that line.
    """
    x = np.asarray(fit[schema.axis_of(fit)].values, dtype=np.float64)
    y, model = (np.asarray(fit[name].values, dtype=np.float64) for name in ("intensity", "model"))
    if not np.all(np.isfinite(model)) or x.size < 10:
        return float("nan")
    known = str(fit.attrs.get("statistics", "unknown")) == "poisson"
    sigma = np.sqrt(np.maximum(model, 1.0)) if known else np.full(x.size, max(float(np.std(y - model)), 1e-300))
    spans = [one.span(photon) for one in reference.positions(other)]
    own = np.abs(x[:, None] - fit["center"].values) < OWN * fit["fwhm"].values
    inside = ~np.any(own, axis=1) & np.any([(x >= lo + shift) & (x <= hi + shift) for lo, hi in spans], axis=0)
    height = float(fit["height"].values[main])
    best, at = UNSEEN_SIGMAS, float("nan")
    for i in np.flatnonzero(inside):
        shape = np.exp(-4 * np.log(2) * ((x - x[i]) / UNSEEN_WIDTH) ** 2)
        norm = float(np.sum((shape / sigma) ** 2))
        amplitude = float(np.sum(shape * (y - model) / sigma**2)) / norm
        if amplitude * np.sqrt(norm) > best and amplitude > UNSEEN_HEIGHT * height:
            best, at = amplitude * float(np.sqrt(norm)), float(x[i])
    return at
