"""A fit of CasaXPS as a recipe, so that it can be fitted again; what has no counterpart is listed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain

import xarray as xr

from surfspec import reference
from surfspec.errors import InputError
from surfspec.io.casa_types import CasaBlock, CasaComponent, CasaNumber, CasaRegion
from surfspec.xps.casa.checks import check_block, check_component, check_region, check_window
from surfspec.xps.casa.data import members_of, on_calibrated_scale, region_named, window_of
from surfspec.xps.casa.kept import remember
from surfspec.xps.casa.shapes import background_of, shape_of
from surfspec.xps.entries import AreaRatio, Peak, Range
from surfspec.xps.recipe import Recipe


@dataclass(frozen=True)
class CasaRecipe:
    """A region of CasaXPS as it can be fitted here.

    Attributes
    ----------
    recipe
        Its peaks, ties, limits and background; energies on the calibrated scale.
    spectrum
        The data on that scale. What was read goes with them (``attrs["casaxps"]``): fits take R.S.F. and names from it,
        and it is written back as it was.
    left_out
        What has no counterpart, one sentence each.
    region, components
        What it was made of: the region, and those of its components that the recipe has, in the order of its peaks.
    """

    recipe: Recipe
    spectrum: xr.Dataset
    left_out: tuple[str, ...]
    region: CasaRegion
    components: tuple[CasaComponent, ...]


def from_casa(spectrum: xr.Dataset, block: CasaBlock, *, region: str = "") -> CasaRecipe:
    """Make a recipe of the fit that CasaXPS left in a block of a VAMAS file.

    Limits, linked areas, widths and positions become ranges and ties, the background its counterpart. The calibration
    is applied to the axis of the data; no count is touched.

    Parameters
    ----------
    spectrum
        The data of that block: ``surfspec.read(path, region=block.label)``.
    block
        One of :func:`surfspec.io.read_casa`.
    region
        Name of the region where the block has several; else its only one.

    Returns
    -------
    CasaRecipe
        Fit it by ``xps.fit(made.spectrum, made.recipe)``.

    Raises
    ------
    InputError
        For a block without that region or without components in it, numbers that cannot be used, a background without
        counterpart, an unknown photon energy or calibration, data of another block or already charge corrected.

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> from surfspec.io.casa_types import CasaBlock, CasaComponent, CasaNumber, CasaRegion
    >>> e = np.arange(278.0, 292.0, 0.1)
    >>> y = 200 + 900 * np.exp(-(((e - 284.8) / 0.7) ** 2))
    >>> data = ss.spectrum(e, np.round(y), technique="XPS", region="C 1s", photon_energy=1486.6)
    >>> area, width, position = CasaNumber(900, 0, 1e6), CasaNumber(1.2, 0.5, 2), CasaNumber(1201.8, 1201, 1203)
    >>> peak = CasaComponent("C-C", "GL(30)", area, width, position, tag="C 1s")
    >>> block = CasaBlock(1, "C 1s", "", 1486.6, (), (CasaRegion("C 1s", "Linear", 1196.6, 1206.6),), (peak,))
    >>> made = from_casa(data, block)
    >>> round(float(ss.xps.fit(made.spectrum, made.recipe).center[0]), 1)
    284.8
    """
    chosen = region_named(check_block(block), region)
    check_region(chosen)
    data = on_calibrated_scale(spectrum, block)
    window = window_of(block, chosen)
    check_window(data, window, block.identifier)
    maker = _Maker(block, chosen)
    peaks = maker.peaks()
    if not peaks:
        raise InputError(
            f"the region {chosen.name!r} has no component with a counterpart"
            + (f" ({maker.left_out[0]})" if maker.left_out else ""),
            where=block.identifier,
            remedy="Fit it in CasaXPS with GL, SGL, LA or LF components, or choose another region",
        )
    name = line_of(chosen.tag, chosen.name, block.identifier)
    recipe = Recipe(
        recipe=f"{chosen.name or name} of CasaXPS",
        region=str(spectrum.attrs.get("region", "")) or name,
        window=window,
        peaks=tuple(peaks),
        background=background_of(chosen),
        source=f"CasaXPS, block {block.number} ({block.identifier})",
    )
    named = dict(zip((peak.name for peak in peaks), maker.used, strict=True))
    return CasaRecipe(recipe, remember(data, block, chosen, named), tuple(maker.left_out), chosen, tuple(maker.used))


def line_of(*names: str) -> str:
    """Return the first of some names that is a core level or Auger line, in the spelling of surfspec.

    Examples
    --------
    >>> line_of("", "Mo 3d MoS2 2H", "Mo 3d")
    'Mo 3d'
    """
    pairs = (" ".join(name.split()[:2]) for name in names)
    for name in chain(names, pairs):
        try:
            found = reference.region_name(name)
        except InputError:
            continue
        words = found.split()
        if len(words) == 2 and words[0] in reference.element_symbols():
            return found
    raise InputError(
        f"none of {', '.join(repr(n) for n in names if n) or 'the names'} is a core level",
        where=names[-1],
        remedy="Name the region in CasaXPS by its core level: 'Fe 2p'",
    )


@dataclass
class _Maker:
    """Turns components into peaks and notes what gets lost."""

    block: CasaBlock
    region: CasaRegion
    left_out: list[str] = field(default_factory=list)
    used: list[CasaComponent] = field(default_factory=list)

    def peaks(self) -> list[Peak]:
        inside = members_of(self.block, self.region)
        self.left_out += [f"not read: {problem}" for problem in self.block.problems]
        for i in inside:
            check_component(self.block.components[i])
        known = [i for i in inside if self._has_shape(self.block.components[i])]
        self.names = dict(zip(known, _unique([one.name for one in self.block.components], known), strict=True))
        self.used = [self.block.components[i] for i in known]
        return [self._peak(i) for i in known]

    def _has_shape(self, one: CasaComponent) -> bool:
        try:
            shape_of(one.shape)
        except InputError as problem:
            self.left_out.append(f"{one.name}: {problem.message}")
            return False
        return True

    def _peak(self, place: int) -> Peak:
        one, name = self.block.components[place], self.names[place]
        choice = shape_of(one.shape)
        if one.constraint:
            self.left_out.append(f"{name}: the constraint {one.constraint!r}")
        group = [i for i in self.names if one.index >= 0 and self.block.components[i].index == one.index]
        return Peak(
            name=name,
            line=line_of(one.tag, self.region.tag, one.name, self.region.name, self.block.identifier),
            center=self._range(name, "position", one.position, self._energies, lambda n: (1.0, -n.amount)),
            shape=choice.shape,
            widths={**choice.widths, "fwhm": self._range(name, "FWHM", one.fwhm, _as_it_is, lambda n: (n.amount, 0.0))},
            area=self._area(name, one.area),
            species=self.names[group[0]] if group else name,
        )

    def _energies(self, number: CasaNumber) -> tuple[float, float, float]:
        low, high = sorted((number.low, number.high))
        value, first, last = (round(self.block.binding_energy(e), 9) for e in (number.value, high, low))
        return value, first, last

    def _range(
        self,
        name: str,
        what: str,
        number: CasaNumber,
        convert: Callable[[CasaNumber], tuple[float, float, float]],
        tie: Callable[[CasaNumber], tuple[float, float]],
    ) -> Range | float:
        value, low, high = convert(number)
        if number.linked and number.link in self.names:
            factor, offset = tie(number)
            return Range(follows=self.names[number.link], factor=factor, offset=offset)
        if number.linked:
            self.left_out.append(f"{name}: the tie of its {what} to component {number.link}, which is not here; held")
            return value
        if not low < high:
            return value
        if not low <= value <= high:
            self.left_out.append(f"{name}: its {what} lies outside its limits; they are widened to it")
        return Range(value, min(low, value), max(high, value))

    def _area(self, name: str, number: CasaNumber) -> AreaRatio | None:
        if number.linked and number.link in self.names:
            return AreaRatio(self.names[number.link], number.amount)
        if number.linked:
            self.left_out.append(f"{name}: the tie of its area to component {number.link}, which is not here; free")
        elif number.high > number.low and not 1.001 * number.low < number.value < 0.999 * number.high:
            self.left_out.append(f"{name}: the limits of its area, one of which it has reached; free from 0")
        return None


def _as_it_is(number: CasaNumber) -> tuple[float, float, float]:
    return number.value, min(number.low, number.high), max(number.low, number.high)


def _unique(names: Sequence[str], places: Sequence[int]) -> list[str]:
    """Name the components at some places; to a name that comes again the letter of its column in CasaXPS is added.

    Examples
    --------
    >>> _unique(["Fe 2p", "C-C", "Fe 2p"], [0, 1, 2])
    ['Fe 2p A', 'C-C', 'Fe 2p C']
    """
    bases = [name.strip() or "component" for name in names]
    out: list[str] = []
    for i in places:
        lone = [bases[k] for k in places].count(bases[i]) == 1
        candidate = bases[i] if lone else f"{bases[i]} {_letters(i)}"
        while candidate in out or (not lone and candidate in bases):
            candidate += "'"
        out.append(candidate)
    return out


def _letters(place: int) -> str:
    """Return the letters of a column: A, B, ..., Z, AA."""
    first, last = divmod(place, 26)
    return (_letters(first - 1) if first else "") + chr(ord("A") + last)
