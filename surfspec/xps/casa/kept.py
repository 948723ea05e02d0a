"""What was read from a file of CasaXPS goes with spectrum and fit, so that it can be written back as it was."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import xarray as xr

from surfspec.errors import InputError
from surfspec.io.casa_lines import (
    LineError,
    calibration_of,
    calibration_text,
    component_of,
    component_text,
    region_of,
    region_text,
)
from surfspec.io.casa_types import CasaBlock, CasaCalibration, CasaComponent, CasaNumber, CasaRegion

#: Attribute of a spectrum and its fits that holds the lines.
ATTRIBUTE: Final = "casaxps"
_CLOSE: Final = 1e-6


@dataclass(frozen=True)
class Kept:
    """Region, components by the names they have in the recipe, and calibrations; energies on the calibrated scale."""

    region: CasaRegion | None = None
    components: Mapping[str, CasaComponent] = field(default_factory=dict)
    calibrations: tuple[CasaCalibration, ...] = ()


def remember(
    spectrum: xr.Dataset, block: CasaBlock, region: CasaRegion, components: Mapping[str, CasaComponent]
) -> xr.Dataset:
    """Return the spectrum with the lines of one region in an attribute, which fits of it inherit."""
    below, beside = _moved(block, "regions"), _moved(block, "comps")
    placed = replace(region, low=region.low - below, high=region.high - below)
    calibrations = [
        replace(one, flags=tuple(f for f in one.flags if f.lower() not in ("regions", "comps")))
        for one in block.calibrations
    ]
    lines = {
        "region": region_text(placed),
        "components": {name: component_text(_shifted(one, -beside)) for name, one in components.items()},
        "calibrations": [calibration_text(one) for one in calibrations],
    }
    return spectrum.assign_attrs({ATTRIBUTE: json.dumps(lines)})


def _moved(block: CasaBlock, word: str) -> float:
    """Return the shift of the calibrations that moved the stored energies with the spectrum [eV]."""
    return sum(one.shift for one in block.calibrations if word in {flag.lower() for flag in one.flags})


def _shifted(one: CasaComponent, by: float) -> CasaComponent:
    number = one.position
    return replace(one, position=replace(number, value=number.value + by, low=number.low + by, high=number.high + by))


def kept_of(dataset: xr.Dataset) -> Kept:
    """Return what a spectrum or fit has kept of a file of CasaXPS; nothing where it came from elsewhere.

    Raises
    ------
    InputError
        Where the attribute was changed so that it cannot be read.

    Examples
    --------
    >>> kept_of(xr.Dataset()).region is None
    True
    """
    text = dataset.attrs.get(ATTRIBUTE)
    if text is None:
        return Kept()
    try:
        lines = json.loads(text)
        return Kept(
            region_of(lines["region"]),
            {name: component_of(line) for name, line in lines["components"].items()},
            tuple(calibration_of(line) for line in lines["calibrations"]),
        )
    except (LineError, ValueError, KeyError, TypeError, AttributeError) as problem:
        raise InputError(
            "the lines of CasaXPS that go with this fit cannot be read",
            where=f"attrs[{ATTRIBUTE!r}]",
            remedy="Delete the attribute, or make the recipe again with from_casa",
        ) from problem


def merged(old: CasaComponent, new: CasaComponent, *, same_shape: bool) -> CasaComponent:
    """Return the line that was read with the numbers of a fit.

    Name, R.S.F., mass, index, tag and constraint stay; so do limits and ties that the recipe still has, and the text
    of the shape where its numbers are the same.
    """
    return replace(
        old,
        shape=old.shape if same_shape else new.shape,
        area=_area(old.area, new.area),
        fwhm=_number(old.fwhm, new.fwhm),
        position=_number(old.position, new.position),
    )


def _area(old: CasaNumber, new: CasaNumber) -> CasaNumber:
    """Keep the limits that were read as long as they hold; a recipe has none for areas."""
    if old.linked != new.linked:
        return new
    if old.linked:
        return _number(old, new)
    fits = min(old.low, old.high) <= new.value <= max(old.low, old.high)
    return replace(old, value=new.value) if fits else replace(new, amount=old.amount)


def _number(old: CasaNumber, new: CasaNumber) -> CasaNumber:
    if old.linked != new.linked:
        return new
    if old.linked:
        amount = old.amount if math.isclose(old.amount, new.amount, abs_tol=_CLOSE) else new.amount
        return replace(old, value=new.value, link=new.link, amount=amount)
    before, after = sorted((old.low, old.high)), sorted((new.low, new.high))
    fixed = before[0] == before[1] and after[0] == after[1]
    same = all(math.isclose(a, b, abs_tol=_CLOSE) for a, b in zip(before, after, strict=True))
    return replace(old, value=new.value) if fixed or same else replace(new, amount=old.amount)


def same_calibrations(kept: Sequence[CasaCalibration], shift: float) -> bool:
    """Say whether calibrations add up to a charge correction, which CasaXPS adds and surfspec takes away.

    Examples
    --------
    >>> same_calibrations([CasaCalibration(281.17, 284.8)], -3.63)
    True
    """
    return bool(kept) and math.isclose(sum(one.shift for one in kept), -shift, abs_tol=_CLOSE)
