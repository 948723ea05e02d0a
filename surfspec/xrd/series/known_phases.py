"""What the matches of two patterns say before these are compared: phases in common, line shifts, masses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import xarray as xr

from surfspec import schema
from surfspec.errors import InputError
from surfspec.xrd.patterns.wavelengths import radiation
from surfspec.xrd.series.alignment import Common

#: Lines of other phases weaker than this share of the strongest of a pattern do not matter for the alignment.
WEAK: Final = 0.01
#: Largest factor between the intensity ratio of two patterns and that of every phase they have in common.
APART: Final = 2.0


@dataclass(frozen=True)
class Known:
    """What two matches say.

    Attributes
    ----------
    common
        For the alignment.
    shifts
        Zero and displacement shift of the second pattern, deg.
    mass
        Scale times density of each phase of the second pattern, by id; None without matches.
    ratios
        Scale after over scale before of the phases in common; None without matches.
    """

    common: Common = field(default_factory=Common)
    shifts: tuple[float, float] = (0.0, 0.0)
    mass: dict[str, float] | None = None
    ratios: dict[str, float] | None = None

    def mass_beside(self, phase: str) -> float:
        """Scale times density of all phases of the second pattern but one, NaN where nothing is known."""
        if not self.mass:
            return np.nan
        return sum(value for name, value in self.mass.items() if name != phase)

    def doubts(self, factor: float) -> list[str]:
        """Return why an intensity ratio is doubtful beside what the matches say of the phases in common."""
        if self.ratios is None:
            return []
        if not self.ratios:
            return ["ambiguous: no phase in common by the matches, nothing tells how the patterns lie"]
        low, high = min(self.ratios.values()) / APART, max(self.ratios.values()) * APART
        if low <= factor <= high:
            return []
        told = ", ".join(f"{name} {value:.2g}" for name, value in self.ratios.items())
        return [f"ambiguous: intensity ratio {factor:.2g}, of the phases in common by the matches {told}"]


def known_of(matches: tuple[xr.Dataset, xr.Dataset] | None) -> Known:
    """Read what two matches say.

    Raises
    ------
    InputError
        When they are not two matches of single patterns.
    """
    if matches is None:
        return Known()
    if not isinstance(matches, tuple | list) or len(matches) != 2:
        raise InputError("these are not two matches", where="matches", remedy="Pass (match(before), match(after))")
    for one in matches:
        schema.check(one, "match")
        if one["scale"].ndim != 1:
            raise InputError("a match is a series", where="matches", remedy="Select one pattern with isel()")
    before, after = ({str(name): float(value) for name, value in zip(one["phase"].values, one["scale"].values,
                                                                      strict=True)} for one in matches)  # fmt: skip
    shared = [name for name in after if before.get(name, 0.0) > 0 and after[name] > 0]
    mass = dict(zip(after, (matches[1]["scale"] * matches[1]["density"]).values.tolist(), strict=True))
    shifts = [_shifts(one) for one in matches]
    middle = np.cos(np.radians(float(np.mean(matches[1]["two_theta"].values)) / 2.0))
    start = float(shifts[1][0] - shifts[0][0] + (shifts[1][1] - shifts[0][1]) * middle) if shared else 0.0
    foreign = [place for one in matches for place in _lines_beside(one, shared)] if shared else []
    ratios = {name: after[name] / before[name] for name in shared}
    factor = float(np.exp(np.mean(np.log(list(ratios.values()))))) if ratios else 0.0
    return Known(Common(start, tuple(foreign), factor), shifts[1], mass, ratios)


def _shifts(match: xr.Dataset) -> tuple[float, float]:
    zero, displacement = (float(match.attrs.get(name, 0.0)) for name in ("zero_shift", "displacement_shift"))
    return zero, displacement


def _lines_beside(match: xr.Dataset, shared: list[str]) -> list[float]:
    """Places (deg) of the lines of phases that are not shared."""
    area = np.nan_to_num(match["expected_area"].values)
    other = ~np.isin(match["reflection_phase"].values.astype(np.str_), shared)
    strong = area > WEAK * area.max(initial=0.0)
    sine = np.sin(np.radians(match["reflection_two_theta"].values[other & strong]) / 2.0)
    waves = radiation(match.attrs.get("wavelength_name") or match.attrs["wavelength"]).wavelengths
    longer = np.concatenate([sine * wave / waves[0] for wave in waves])
    places = 2.0 * np.degrees(np.arcsin(longer[longer < 1.0]))
    return [float(place) for place in places]
