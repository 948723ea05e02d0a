"""Whether a block of CasaXPS holds numbers that can be computed with, and whether data belong to it."""

from __future__ import annotations

from typing import Final

import numpy as np
import xarray as xr

from surfspec.errors import InputError
from surfspec.io.casa_types import CasaBlock, CasaComponent, CasaRegion

#: Energies beyond this are none of photoelectrons [eV].
_HIGHEST: Final = 1e5
#: Largest difference between the axis of a block and that of its data [eV].
_SAME: Final = 2e-3
_TINY: Final = 5e-324


def check_block(block: object) -> CasaBlock:
    """Refuse what is no block.

    Raises
    ------
    InputError
    """
    if not isinstance(block, CasaBlock):
        raise InputError(
            f"the block is a {type(block).__name__}",
            where="block",
            remedy="Pass one of surfspec.io.read_casa(path).fitted",
        )
    return block


def check_region(region: CasaRegion) -> None:
    """Refuse a region whose numbers cannot be used.

    Raises
    ------
    InputError
    """
    rows = [
        ("lower limit", region.low, -_HIGHEST, _HIGHEST),
        ("upper limit", region.high, -_HIGHEST, _HIGHEST),
        ("averaging width", region.average, 0, 1e4),
    ]
    _check(f"region {region.name!r}", rows)
    if not region.low < region.high:
        raise InputError(
            f"its limits are {region.low:g} and {region.high:g} eV",
            where=f"region {region.name!r}",
            remedy="Draw the region anew in CasaXPS",
        )


def check_component(one: CasaComponent) -> None:
    """Refuse a component whose numbers cannot be used.

    Raises
    ------
    InputError
    """
    rows = [
        ("area", one.area.value, 0.0, 1e300),
        ("FWHM", one.fwhm.value, _TINY, _HIGHEST),
        ("position", one.position.value, -_HIGHEST, _HIGHEST),
        ("R.S.F.", one.rsf, 0.0, 1e300),
    ]
    _check(f"component {one.name!r}", rows)
    for name, number in (("area", one.area), ("FWHM", one.fwhm), ("position", one.position)):
        ends = (("lower limit", number.low), ("upper limit", number.high), ("tie", number.amount))
        _check(f"component {one.name!r}", [(f"{end} of its {name}", v, -1e300, 1e300) for end, v in ends])


def _check(where: str, rows: list[tuple[str, float, float, float]]) -> None:
    for name, value, low, high in rows:
        if not low <= value <= high:
            told = f"from {low:g} to {high:g}" if low != _TINY else f"above 0, up to {high:g}"
            raise InputError(
                f"its {name} is {value:g}", where=where, remedy=f"Mend it in CasaXPS: a number {told} is needed"
            )


def check_data(spectrum: xr.Dataset, block: CasaBlock) -> None:
    """Refuse data of another block: another name, or another axis.

    Parameters
    ----------
    spectrum
        Over binding energy, as it was read.
    block
        With the ends of its axis where it was read from a file.

    Raises
    ------
    InputError
    """
    x = spectrum["binding_energy"].values
    name = str(spectrum.attrs.get("block", block.identifier))
    what = f"these are the data of block {name!r}" if name != block.identifier else ""
    if not what and block.points:
        ends = np.array([block.photon_energy - x.max(), block.photon_energy - x.min()])
        if x.size != block.points or not np.max(np.abs(ends - block.kinetic)) < _SAME:
            theirs = f"{block.points} points, {block.kinetic[0]:g} to {block.kinetic[1]:g} eV kinetic energy"
            what = f"these data have {x.size} points, {ends[0]:g} to {ends[1]:g} eV, and the block has {theirs}"
    if what:
        place = f"surfspec.read(path, region={block.label!r})" if block.label else "surfspec.read"
        raise InputError(
            what, where=f"block {block.number} ({block.identifier})", remedy=f"Pass all data of the block: {place}"
        )


def check_window(spectrum: xr.Dataset, window: tuple[float, float], where: str) -> None:
    """Refuse a region that holds fewer than three points of the data on the calibrated scale.

    Raises
    ------
    InputError
    """
    x = spectrum["binding_energy"].values
    inside = int(np.count_nonzero((x >= window[0] - _SAME) & (x <= window[1] + _SAME)))
    if inside < 3:
        raise InputError(
            f"the region, {window[0]:g} to {window[1]:g} eV, holds {inside} points of {x.min():g} to {x.max():g} eV",
            where=where,
            remedy="Pass the data of this block, with the photon energy that it was measured at",
        )
