"""What a charge correction is and how a spectrum records it, in the words that ISO 19318 asks for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import reference, schema
from surfspec.errors import InputError, NotDeterminedError
from surfspec.xps.charge.reference import reference_shift

Array = NDArray[np.float64]

#: Attributes that a correction writes and its undoing removes. ``charge_control`` belongs to the measurement.
FIELDS: Final[tuple[str, ...]] = (
    "charge_method", "charge_shift", "charge_shift_unc", "charge_reference", "charge_reference_energy",
    "charge_reference_energy_unc", "charge_reference_source", "charge_reference_component", "charge_note",
)  # fmt: skip
#: Shifts are multiples of this (1e-9 eV): taken off and added again they leave the axis as it was.
QUANTUM: Final = 2.0**-30
#: Largest shift in eV that can be given.
LARGEST: Final = 1e4
#: Difference in eV up to which an energy is that of the table of reference lines.
SAME_ENERGY: Final = 0.005


@dataclass(frozen=True)
class Correction:
    """The shift of one spectrum, or of each member of a series, and the words for its attributes.

    Attributes
    ----------
    shift, unc
        In eV, shape of the series dimensions; a scalar array for one spectrum.
    method, line, component, energy, energy_unc, source, note, control
        Values of the attributes, see :data:`FIELDS`.
    """

    shift: Array
    unc: Array
    method: str
    line: str = ""
    component: str = ""
    energy: float = float("nan")
    energy_unc: float = float("nan")
    source: str = ""
    note: str = ""
    control: str = ""


def given_shift(shift: object, shift_unc: object, control: str) -> Correction:
    """Return the correction by a shift that is known, eV.

    Raises
    ------
    InputError
        For what is no shift or no uncertainty.
    """
    for name, value, low in (("shift", shift, -LARGEST), ("shift_unc", shift_unc, 0.0)):
        number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
        if not number or not low <= value <= LARGEST:  # type: ignore[operator]
            raise InputError(f"{name} is {value!r}", where=name, remedy=f"Give {low:g} to {LARGEST:g} eV")
    return Correction(np.array(shift, dtype=np.float64), np.array(shift_unc, dtype=np.float64), "given shift",
                       control=control)  # fmt: skip


def energy_words(line: str, energy: object, energy_unc: float | None, source: str) -> tuple[float, str]:
    """Return the uncertainty of a reference energy and its source, from the table where it is the table's."""
    if energy_unc is not None and not (isinstance(energy_unc, int | float) and 0 <= energy_unc < LARGEST):
        raise InputError(f"energy_unc is {energy_unc!r}", where="energy_unc", remedy="Give 0 eV or more")
    same = [
        one for one in reference.lines()
        if one.name == line and isinstance(energy, int | float) and abs(one.energy - energy) < SAME_ENERGY
    ]  # fmt: skip
    if not same:
        return float("nan") if energy_unc is None else float(energy_unc), source or "given by the user"
    mark = "" if same[0].verified else " (unverified)"
    unc = same[0].energy_unc if energy_unc is None else float(energy_unc)
    return unc, source or f"{same[0].state}: {same[0].source}{mark}"


def shift_by_line(
    fit: xr.Dataset,
    line: str,
    energy: float,
    *,
    component: str | None,
    elements: Collection[str],
    force: bool,
    words: tuple[float, str],
    control: str,
) -> Correction:
    """Return the correction by a fitted line, of one spectrum or of every member of a series.

    Parameters
    ----------
    fit, line, energy, component, elements, force, control
        As for :func:`surfspec.xps.charge_correct`.
    words
        Uncertainty and source of the energy, see :func:`energy_words`.

    Raises
    ------
    NotDeterminedError
        When the line of a member cannot serve, with its place in the series.
    """
    schema.check(fit, "fit")
    series = schema.series_dims(fit)
    shape = tuple(fit.sizes[dim] for dim in series)
    found = []
    for index in np.ndindex(*shape):
        member = fit.isel(dict(zip(series, index, strict=True)))
        try:
            found.append(
                reference_shift(member, line=line, energy=energy, component=component, elements=elements, force=force)
            )
        except NotDeterminedError as error:
            if not series:
                raise
            place = ", ".join(f"{dim} {at}" for dim, at in zip(series, index, strict=True))
            raise NotDeterminedError(
                f"member {place}: {error.message}",
                where=error.where,
                remedy="Leave this member out, or correct the series by one shift= that is known",
            ) from error
    notes = dict.fromkeys(note for _, _, note in found if note)
    return Correction(
        shift=np.array([one[0] for one in found]).reshape(shape),
        unc=np.array([one[1] for one in found]).reshape(shape),
        method="fitted reference line",
        line=line,
        component=component or "",
        energy=energy,
        energy_unc=words[0],
        source=words[1],
        note=f"forced although {'; '.join(notes)}" if notes else "",
        control=control,
    )


def of_members(found: Correction, spectrum: xr.Dataset, fit: xr.Dataset | None) -> Correction:
    """Return a correction with the shifts in the order of the members of a spectrum, which their labels tell.

    Parameters
    ----------
    found
        The correction, one shift for each member of `fit`.
    spectrum
        A series of as many members.
    fit
        The fit that the correction comes from; None, or one of a single spectrum: the same shift for all.

    Raises
    ------
    InputError
        When members have other labels than those of the fit, labels repeat in another order, or only one of the two
        has any.
    """
    shift, unc = found.shift, found.unc
    if fit is None:
        return found
    for place, dim in enumerate(schema.series_dims(fit)):
        ours, theirs = (one.indexes.get(dim) for one in (spectrum, fit))
        if (ours is None and theirs is None) or (ours is not None and theirs is not None and ours.equals(theirs)):
            continue
        if ours is None or theirs is None or not theirs.is_unique or set(ours) != set(theirs):
            told = ["no labels" if one is None else ", ".join(map(str, one[:6])) for one in (ours, theirs)]
            raise InputError(
                f"along {dim!r} the members of the spectrum are {told[0]} and those of the fit {told[1]}",
                where="charge_correct",
                remedy="Fit the series that is corrected, or select the members of both by label with .sel()",
            )
        order = theirs.get_indexer(ours)
        shift, unc = np.take(shift, order, axis=place), np.take(unc, order, axis=place)
    return replace(found, shift=shift, unc=unc)


def moved_spectrum(spectrum: xr.Dataset, found: Correction, dims: tuple[str, ...] = ()) -> xr.Dataset:
    """Return a spectrum on the corrected scale.

    Parameters
    ----------
    spectrum
        On the measured scale.
    found
        The correction; of a series one shift a member.
    dims
        Series dimensions of those shifts.
    """
    common = float(np.round(np.mean(found.shift) / QUANTUM) * QUANTUM)
    axis = spectrum["binding_energy"]
    out = spectrum.assign_coords(binding_energy=("binding_energy", axis.values - common, dict(axis.attrs)))
    words = {
        "charge_method": found.method, "charge_shift": common, "charge_shift_unc": float(np.max(found.unc)),
    }  # fmt: skip
    if found.line:
        words |= {
            "charge_reference": found.line, "charge_reference_energy": found.energy,
            "charge_reference_source": found.source,
        }  # fmt: skip
    words |= {"charge_reference_energy_unc": found.energy_unc} if np.isfinite(found.energy_unc) else {}
    words |= {"charge_reference_component": found.component} if found.component else {}
    words |= {"charge_note": found.note} if found.note else {}
    words |= {"charge_control": found.control} if found.control else {}
    out.attrs = {**spectrum.attrs, **words}
    rest = found.shift - common
    if np.any(np.abs(rest) > QUANTUM):
        kept = {"energy_shift": (rest, "Binding energy on this axis less that on the scale of the member"),
                "energy_shift_unc": (found.unc, "Standard uncertainty of the charge shift of the member")}  # fmt: skip
        out = out.assign_coords(
            {name: (dims, values, {"units": "eV", "long_name": text}) for name, (values, text) in kept.items()}
        )
    return schema.check(out, "spectrum")
