"""From the components of a fit to those of CasaXPS: numbers with limits, links, sensitivity factors."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import xarray as xr

from surfspec import reference
from surfspec.errors import InputError
from surfspec.fitting.backgrounds import background
from surfspec.fitting.model import Component, Tie
from surfspec.io.casa_types import CasaCalibration, CasaComponent, CasaNumber, CasaRegion
from surfspec.xps.amounts.areas import seconds
from surfspec.xps.background_choice import Background
from surfspec.xps.casa.kept import kept_of, merged, same_calibrations
from surfspec.xps.casa.shapes import background_of, background_text, shape_of, shape_text
from surfspec.xps.model import build
from surfspec.xps.recipe import Recipe

#: Largest area that is written as a limit, in counts/s eV.
_LARGEST_AREA = 1e8


class Maker:
    """Makes the lines of one fit and notes what is different there."""

    def __init__(self, fit: xr.Dataset, recipe: Recipe, library: Mapping[str, float] | str) -> None:
        self.fit, self.recipe, self.factors = fit, recipe, library
        self.shift = float(fit.attrs.get("energy_shift", 0.0))
        self.table = build(recipe, shift=self.shift)
        self.parameters = {p.name: p for p in self.table.model.parameters}
        self.value = dict(zip(map(str, fit["parameter"].values), fit["value"].values.tolist(), strict=True))
        self.photon = float(fit.attrs["photon_energy"])
        self.per = seconds(fit) if fit["intensity"].attrs["units"] == "counts" else 1.0
        self.kept = kept_of(fit)
        self.differences: list[str] = []
        if self.table.active is not None:
            background_text(recipe.background)  # refuses a background fitted with the peaks

    def component(self, place: int) -> CasaComponent:
        """Return one component."""
        one = self.table.model.components[place]
        roles = {role: self._number(tie) for role, tie in one.roles.items()}
        name = str(self.fit["component"].values[place])
        old = self.kept.components.get(name)
        same = old is not None and _same_shape(old.shape, one.shape, roles)
        text, fwhm = shape_text(one.shape, roles)
        if not same and one.shape in ("la", "lf") and not _same_shape(text, one.shape, roles):
            self.differences.append(f"{name}: its smoothing {roles['smoothing']:.6g} is a whole number there: {text}")
        line = str(self.fit["line"].values[place])
        area = float(self.fit["area"].values[place]) / self.per
        factor = self._factor(place, line)
        made = CasaComponent(
            name=name,
            shape=text,
            area=self._area(one, place, area),
            fwhm=self._width(one, place, fwhm),
            position=self._position(one, place, roles["center"]),
            rsf=factor,
            tag=level_name(line),
            uncorrected_rsf=factor,
        )
        return made if old is None else merged(old, made, same_shape=same)

    def _number(self, tie: Tie) -> float:
        times: float = self.value[tie.times] if tie.times else 1.0
        total: float = tie.offset + tie.factor * self.value[tie.parameter] * times
        total += sum(factor * self.value[name] for name, factor in tie.also)
        return total

    def _partner(self, place: int, pick: str) -> tuple[int, Tie, Tie] | None:
        """Return an earlier component whose area, or role, has the same single parameter, with both ties."""
        components = self.table.model.components
        own = components[place].area if pick == "area" else components[place].roles.get(pick)
        if own is None or own.times:
            return None
        for other in range(place):
            theirs = components[other].area if pick == "area" else components[other].roles.get(pick)
            if theirs is None or theirs.times or theirs.parameter != own.parameter or theirs.factor == 0.0:
                continue
            return other, own, theirs
        return None

    def _area(self, one: Component, place: int, area: float) -> CasaNumber:
        high = max(_LARGEST_AREA, 10.0 * area)
        found = self._partner(place, "area")
        if found is None or not _plain(*found[1:]):
            if one.area.times:
                self.differences.append(f"{one.name}: its area is a fitted multiple; CasaXPS keeps it free")
            return CasaNumber(area, 0.0, high)
        return CasaNumber(area, 0.0, high, found[0], found[1].factor / found[2].factor)

    def _width(self, one: Component, place: int, fwhm: float) -> CasaNumber:
        found = self._partner(place, "fwhm")
        if found is None and one.shape == "voigt":
            found = self._same_voigt(place)
        if found is not None and one.shape == self.table.model.components[found[0]].shape and _plain(*found[1:]):
            return CasaNumber(fwhm, 0.0, 0.0, found[0], found[1].factor / found[2].factor)
        if one.shape == "voigt":
            low, high = 0.5 * fwhm, 2.0 * fwhm
            self.differences.append("the mixing of Voigt lines is fixed there, by n of LA(1,1,n)")
        else:
            low, high = self._limits(one.roles["fwhm"], fwhm)
            free = [
                r for r in one.roles if r not in ("center", "fwhm") and self.parameters[one.roles[r].parameter].vary
            ]
            self.differences += [f"{one.name}: its {role} is fixed there, by the name of the shape" for role in free]
        return CasaNumber(fwhm, low, high)

    def _same_voigt(self, place: int) -> tuple[int, Tie, Tie] | None:
        """Return the earlier Voigt line whose two widths are in one ratio to those of this one."""
        gauss, lorentz = self._partner(place, "fwhm_gauss"), self._partner(place, "fwhm_lorentz")
        if gauss is None or lorentz is None or gauss[0] != lorentz[0] or not _plain(*lorentz[1:]):
            return None
        ratios = [pair[1].factor / pair[2].factor for pair in (gauss, lorentz)]
        return gauss if abs(ratios[0] - ratios[1]) < 1e-12 else None

    def _position(self, one: Component, place: int, center: float) -> CasaNumber:
        kinetic = self.photon - center
        found = self._partner(place, "center")
        if found is not None and found[1].factor == found[2].factor:
            rest = [name for name, _ in (*found[1].also, *found[2].also) if self.parameters[name].vary]
            if rest:
                self.differences.append(f"{one.name}: {rest[0]!r} is fixed there at {self.value[rest[0]]:.4g} eV")
            theirs = self._number(self.table.model.components[found[0]].roles["center"])
            return CasaNumber(kinetic, 0.0, 0.0, found[0], theirs - center)
        low, high = self._limits(one.roles["center"], center)
        return CasaNumber(kinetic, self.photon - high, self.photon - low)

    def _limits(self, tie: Tie, value: float) -> tuple[float, float]:
        """Return the limits of a number that follows one parameter; its value twice where it is fixed."""
        parameter = self.parameters[tie.parameter]
        if not parameter.vary or tie.also or tie.times:
            return value, value
        ends = sorted(tie.offset + tie.factor * end for end in (parameter.low, parameter.high))
        if not all(math.isfinite(end) for end in ends):
            return value, value
        return ends[0], ends[1]

    def _factor(self, place: int, line: str) -> float:
        old = self.kept.components.get(str(self.fit["component"].values[place]))
        if old is not None:
            return old.rsf
        if "sensitivity" in self.fit:
            return float(self.fit["sensitivity"].values[place])
        level = level_name(line)
        if isinstance(self.factors, str):
            try:
                return float(reference.sensitivity(self.factors, level))
            except InputError:
                self.differences.append(f"{level} has no sensitivity factor in {self.factors}; R.S.F. is written as 1")
                return 1.0
        if level not in self.factors:
            self.differences.append(f"{level} has no sensitivity factor in the library given; R.S.F. is written as 1")
        factor: float = self.factors.get(level, 1.0)
        return float(factor)

    def region(self) -> CasaRegion:
        """Return the quantification region with the background."""
        chosen, old = self.recipe.background, self.kept.region
        if old is not None and background_of(old) == chosen and self._same_window(old):
            return old
        name, width, note = background_text(chosen)
        if note:
            self.differences.append(f"background: {note}")
        x = self.fit["binding_energy"].values
        low, high = (self.recipe.window[0] + self.shift, self.recipe.window[1] + self.shift)
        low, high = max(low, float(x[0]) - 1e-6), min(high, float(x[-1]) + 1e-6)
        level = level_name(str(self.fit["line"].values[0]))
        factor = self._factor(0, str(self.fit["line"].values[0]))
        return CasaRegion(
            name=level if old is None else old.name,
            background=name,
            low=self.photon - high,
            high=self.photon - low,
            rsf=factor if old is None else old.rsf,
            average=width,
            cross_section=self._cross_section(chosen),
            tag=level if old is None else old.tag,
            mass=0.0 if old is None else old.mass,
            uncorrected_rsf=factor if old is None else old.uncorrected_rsf,
        )

    def _same_window(self, region: CasaRegion) -> bool:
        ends = (self.photon - region.high - self.shift, self.photon - region.low - self.shift)
        return all(math.isclose(a, b, abs_tol=1e-5) for a, b in zip(ends, self.recipe.window, strict=True))

    def _cross_section(self, chosen: Background) -> tuple[float, float, float, float]:
        if chosen.kind != "tougaard":
            return (0.0, -1643.0, 0.0, 0.0)  # what CasaXPS has there where it is not used
        which = str(chosen.options.get("cross_section", "U2"))
        if chosen.options.get("average", 11) != 3 or "B" in chosen.options:
            self.differences.append("background: CasaXPS lets it end at the level of the data")
        x, y = self.fit["binding_energy"].values, np.asarray(self.fit["intensity"].values, dtype=np.float64)
        options = {**chosen.options, "average": min(int(chosen.options.get("average", 11)), 2 * (x.size // 2) - 1)}
        factor = background(x, y, kind="tougaard", sigma=np.sqrt(np.maximum(np.abs(y), 1.0)), **options).k
        c = float(chosen.options.get("C", 1643.0 if which == "U2" else 551.0))
        d = 0.0 if which == "U2" else float(chosen.options.get("D", 436.0))
        return (float(factor), -c if which == "U2" else c, d, float(chosen.options.get("gap", 0.0)))

    def calibrations(self) -> tuple[CasaCalibration, ...]:
        """Return the charge correction: CasaXPS adds what surfspec takes away."""
        shift = float(self.fit.attrs.get("charge_shift", 0.0))
        if same_calibrations(self.kept.calibrations, shift):
            return self.kept.calibrations
        if shift == 0.0:
            return ()
        assigned = float(self.fit.attrs.get("charge_reference_energy", self.fit["center"].values[0]))
        return (CasaCalibration(assigned + shift, assigned),)


def _same_shape(text: str, name: str, roles: Mapping[str, float]) -> bool:
    """Say whether a name of CasaXPS stands for a shape with these roles."""
    choice = shape_of(text)
    return choice.shape == name and all(
        math.isclose(value, roles[role], rel_tol=1e-9, abs_tol=1e-12) for role, value in choice.widths.items()
    )


def _plain(*ties: Tie) -> bool:
    """Say whether ties are plain multiples of one parameter."""
    return not any(tie.offset or tie.also or tie.times for tie in ties)


def level_name(line: str) -> str:
    """Return the core level of a line.

    Examples
    --------
    >>> level_name("Zr 3d5/2"), level_name("Na KLL")
    ('Zr 3d', 'Na KLL')
    """
    words = line.split()
    return f"{words[0]} {words[1][:2]}" if words[1][:1].isdigit() else line
