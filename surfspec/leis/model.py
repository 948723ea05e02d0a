r"""The model of a LEIS spectrum: tied peaks on their in-depth shoulders.

.. math::

    y(E) = \sum_{el}\Big\{A\sum_i f_i\,\mathrm{EMG}(E;\,gE_i+\delta+\delta_\tau,\,s,\,\tau)
    + \Big[\big(B + U\tfrac{E_e - E}{\mathrm{keV}}\big)\,\mathrm{step}(E_e, s)
    + W\,\mathrm{step}(E_e + e_f,\,s_f)\Big]\,e^{-k(E^{-1/2} - E_e^{-1/2})}\Big\}
    + S\,e^{-(E-E_\mathrm{low})/\epsilon} + c

Every position follows from the kinematics by one offset :math:`\delta`, the shift of the maxima; :math:`\delta_\tau` is
the distance of the Gaussians above the maxima of the tailed peaks. Isotopes are weighted by abundance times
cross-section. :math:`E_e` is the centre of the lines less the element's lag, a quarter of which is straggling; `B` and
the rise `U` make the shoulder of ions that were scattered in the depth and re-ionised; `k` is the survival of the
slower of them, one for the whole spectrum. The foot `W` is plural scattering of light atoms with heavy ones, and is
left out for the heaviest element. Areas and heights enter linearly and none is ever negative, so that no shoulder can
undercut a peak; offset, resolution, acceptance, survival, tail and lags are the only other parameters.

Peak and shoulder follow Nelson, J. Vac. Sci. Technol. A 4 (1986) 1567 and Brötzner et al., arXiv:2311.10604; the edge
is an error function instead of an arctangent, which leaks above the edge. Width and position of the foot (130 eV and
40 eV for 3 keV He, scaled with the ion energy) were read off an independent Monte Carlo simulation of oxides and are
`unverified` elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from surfspec.errors import InputError
from surfspec.fitting.model import Parameter
from surfspec.leis import isotopes as iso
from surfspec.leis import shapes
from surfspec.leis.cross_sections import isotope_cross_sections
from surfspec.leis.kinematics import isotope_energies
from surfspec.leis.recipe import Recipe
from surfspec.leis.width import FWHM, line_broadening

Array = NDArray[np.float64]

#: Position above the edge and standard deviation of the plural-scattering foot, in units of the ion energy.
FOOT_POSITION = 40.0 / 3000.0
FOOT_WIDTH = 130.0 / 3000.0
#: Straggling of a buried edge: standard deviation over lag.
STRAGGLING = 0.25
#: Chi-square that a shoulder must explain before its edge can be placed.
FAINT = 25.0
#: Energy over which the slope of a shoulder is quoted, eV.
SLOPE_UNIT = 1000.0


@dataclass(frozen=True)
class Lines:
    """The lines of one element.

    Attributes
    ----------
    energy, weight
        Energies (eV) and intensity fractions of the isotopes that can scatter, shape (isotopes,).
    centroid, spread
        Their weighted mean and standard deviation, eV.
    dispersion
        Change of energy with angle, eV/deg.
    doppler_variance
        Of the thermal motion of the target, eV^2.
    """

    energy: Array
    weight: Array
    centroid: float
    spread: float
    dispersion: float
    doppler_variance: float


def lines_of(element: str, recipe: Recipe) -> Lines:
    """Return the isotope lines of `element`, weighted by abundance times cross-section.

    Parameters
    ----------
    element
        Symbol.
    recipe
        Projectile and geometry.

    Examples
    --------
    >>> lines_of("Si", Recipe(elements=("Si",))).weight.round(3).tolist()
    [0.922, 0.047, 0.031]
    """
    ion, e0, angle = recipe.ion, recipe.energy, recipe.angle
    loss = recipe.inelastic_loss.get(element, 0.0)
    energy = recipe.gain * isotope_energies(element, ion=ion, energy=e0, angle=angle, loss=loss)
    sigma = isotope_cross_sections(element, ion=ion, energy=e0, angle=angle, potential=recipe.potential)
    weight = iso.isotopes(element).abundance * sigma
    real = np.isfinite(energy) & np.isfinite(weight)
    energy, weight = energy[real], weight[real] / weight[real].sum()
    centroid = float(weight @ energy)
    dispersion, doppler = line_broadening(
        element, ion=ion, energy=e0, angle=angle, thermal_energy=recipe.thermal_energy
    )
    spread = float(np.sqrt(weight @ (energy - centroid) ** 2))
    return Lines(energy, weight, centroid, spread, recipe.gain * dispersion, recipe.gain**2 * doppler)


def _middle(pair: tuple[float, float]) -> float:
    """Return the geometric mean of a range, inside it to the last digit."""
    return float(np.clip(np.sqrt(pair[0] * pair[1]), *pair))


@dataclass(frozen=True)
class _Features:
    """The peak, edge and foot of one element on the axis, and what their derivatives need."""

    columns: list[Array]
    peak: shapes.Curve
    edge: shapes.Curve
    foot: shapes.Curve | None
    weight: Array
    depth: Array
    width_slope: float
    lag_slope: float
    path: Array
    alive: Array
    alive_slope: float

    def slopes(self, linear: Array) -> tuple[Array, Array, Array, Array, Array, Array]:
        """Return derivatives by peak position, edge position, lag, width, tail and survival, shape (n,) each."""
        area, height, slope = linear[:3]
        level = (height + slope * self.depth) * self.alive
        by_peak = area * (self.peak.by_center @ self.weight)
        body = level * self.edge.value
        # edge, ramp and survival of the shoulder move together
        by_edge = level * self.edge.by_center + slope / SLOPE_UNIT * self.edge.value * self.alive
        if self.foot is not None:
            by_edge = by_edge + linear[3] * self.foot.by_center * self.alive
            body = body + linear[3] * self.foot.value * self.alive
        by_edge = by_edge + self.alive_slope * body
        by_sigma = area * (self.peak.by_sigma @ self.weight) + level * self.edge.by_sigma * self.width_slope
        by_lag = level * self.edge.by_sigma * self.lag_slope - by_edge
        return by_peak, by_edge, by_lag, by_sigma, area * (self.peak.by_tail @ self.weight), -self.path * body


class SpectrumModel:
    """The model on the points of one spectrum.

    The first ``len(shape_names)`` parameters enter non-linearly (offset, resolution, tail, lags), the others linearly.

    Parameters
    ----------
    recipe
        What to fit.
    energy
        Kinetic energies, shape (n,), eV.
    units
        Unit of the intensity.
    absent
        Elements whose surface peak is left out while their shoulder and foot stay: the null hypothesis of a detection.

    Raises
    ------
    InputError
        When a peak lies outside the data.
    """

    def __init__(self, recipe: Recipe, energy: Array, units: str = "counts", *, absent: Collection[str] = ()) -> None:
        self.recipe = recipe
        self.absent = frozenset(absent)
        self.energy = np.asarray(energy, dtype=np.float64)
        self.lines = {element: lines_of(element, recipe) for element in recipe.elements}
        for element, lines in self.lines.items():
            if not self.energy[0] < lines.centroid < self.energy[-1]:
                raise InputError(
                    f"the {element} peak at {lines.centroid:.1f} eV lies outside the data, "
                    f"{self.energy[0]:g} to {self.energy[-1]:g} eV",
                    where="window",
                    remedy=f"Leave {element} out, widen the window, or check ion, energy and angle",
                )
        self.heaviest = recipe.heaviest()
        self.shape_names = (
            "offset",
            "resolution",
            *(("acceptance",) if isinstance(recipe.acceptance, tuple) else ()),
            "survival",
            *(("tail",) if recipe.low_energy_tail else ()),
            *(f"{element} lag" for element in recipe.lagging()),
        )
        self.linear_names = self._linear_names()
        self.area_columns = np.array([self.linear_names.index(f"{element} area") for element in recipe.elements])
        self.parameters = self._parameters(units)

    def _linear_names(self) -> tuple[str, ...]:
        names: list[str] = []
        for element in self.recipe.elements:
            names += [f"{element} area", f"{element} shoulder", f"{element} slope"]
            if self.recipe.foot and element != self.heaviest:
                names.append(f"{element} foot")
        if self.recipe.sputter_tail:
            names.append("sputter tail")
        return (*names, "constant")

    def _parameters(self, units: str) -> tuple[Parameter, ...]:
        r = self.recipe
        parameters = [
            Parameter("offset", float(np.clip(0.0, *r.offset)), *r.offset, unit="eV"),
            Parameter("resolution", _middle(r.resolution), *r.resolution),
        ]
        if isinstance(r.acceptance, tuple):
            parameters.append(Parameter("acceptance", _middle(r.acceptance), *r.acceptance, unit="deg"))
        parameters.append(Parameter("survival", 0.5 * sum(r.survival), *r.survival, unit="eV^(1/2)", natural_low=True))
        if r.low_energy_tail:
            parameters.append(Parameter("tail", _middle(r.tail), *r.tail, unit="eV", natural_low=True))
        for element in r.lagging():
            start = float(np.clip(20.0, *r.lag_range))
            natural = r.lag_range[0] == 0.0
            parameters.append(Parameter(f"{element} lag", start, *r.lag_range, unit="eV", natural_low=natural))
        for name in self.linear_names:
            unit = f"{units} eV" if name.endswith(" area") else units
            parameters.append(Parameter(name, 0.0, 0.0, np.inf, unit=unit, natural_low=True))
        # a range of no width fixes its parameter
        return tuple(replace(p, vary=p.high > p.low) for p in parameters)

    @property
    def shape_count(self) -> int:
        """Number of non-linear parameters."""
        return len(self.shape_names)

    def widths(self, element: str, named: Mapping[str, float]) -> tuple[float, dict[str, float]]:
        """Return the standard deviation of a peak (eV) and its derivatives by the free ones of its two parameters.

        Parameters
        ----------
        element
            Symbol.
        named
            Non-linear parameters by name.
        """
        lines, fixed = self.lines[element], self.recipe.acceptance
        acceptance = named["acceptance"] if isinstance(fixed, tuple) else fixed
        by_energy, by_angle = lines.centroid / FWHM, lines.dispersion / FWHM
        variance = (named["resolution"] * by_energy) ** 2 + (acceptance * by_angle) ** 2 + lines.doppler_variance
        value = float(np.sqrt(variance))
        slopes = {"resolution": named["resolution"] * by_energy**2 / value}
        if isinstance(fixed, tuple):
            slopes["acceptance"] = acceptance * by_angle**2 / value
        return value, slopes

    def named(self, shape_values: Array) -> dict[str, float]:
        """Return the non-linear parameters by name, a tail of 0 where the recipe has none."""
        return {"tail": 0.0, **dict(zip(self.shape_names, map(float, shape_values), strict=True))}

    def design(self, shape_values: Array) -> Array:
        """Return the columns of the linear parameters, shape (n, linear)."""
        return self._columns(shape_values, None)[0]

    def slopes(self, shape_values: Array, linear: Array) -> Array:
        """Return the derivatives of the model by the non-linear parameters, shape (n, shape_count)."""
        return self._columns(shape_values, linear)[1]

    def center_shift(self, named: Mapping[str, float]) -> tuple[float, dict[str, float]]:
        """Return how far the Gaussians lie above the maximum of their peaks (eV), with derivatives.

        One number for the whole spectrum, taken at the mean width of the elements: the offset then describes where
        the maxima are, which the data know well, and not where the tails begin, which they do not.
        """
        pairs = [self.widths(element, named) for element in self.recipe.elements]
        top, by_sigma, by_tail = shapes.mode(float(np.mean([value for value, _ in pairs])), named["tail"])
        slopes = {name: -by_sigma * float(np.mean([slope[name] for _, slope in pairs])) for name in pairs[0][1]}
        return -top, {**slopes, "tail": -by_tail}

    def _columns(self, shape_values: Array, linear: Array | None) -> tuple[Array, Array]:
        named = self.named(shape_values)
        shift, shift_slopes = self.center_shift(named)
        x, position = self.energy, {name: i for i, name in enumerate(self.shape_names)}
        columns = np.ones((x.size, len(self.linear_names)))
        slopes = np.zeros((x.size, self.shape_count))
        moved = np.zeros(x.size)
        column = 0
        for element in self.recipe.elements:
            feature = self._features(element, named["offset"] + shift, named)
            count = len(feature.columns)
            columns[:, column : column + count] = np.stack(feature.columns, axis=1)
            if linear is not None:
                by_peak, by_edge, by_lag, by_sigma, by_tail, by_survival = feature.slopes(
                    linear[column : column + count]
                )
                moved += by_peak + by_edge
                slopes[:, position["survival"]] += by_survival
                for name, slope in self.widths(element, named)[1].items():
                    slopes[:, position[name]] += slope * by_sigma
                if "tail" in position:
                    slopes[:, position["tail"]] += by_tail
                if f"{element} lag" in position:
                    slopes[:, position[f"{element} lag"]] += by_lag
            column += count
        # every position moves with the offset and with the shift of the centres
        slopes[:, position["offset"]] = moved
        for name, slope in shift_slopes.items():
            if name in position:
                slopes[:, position[name]] += slope * moved
        if self.recipe.sputter_tail:
            columns[:, column] = np.exp(-(x - x[0]) / self.recipe.sputter_decay)
        return columns, slopes

    def _features(self, element: str, shift: float, named: Mapping[str, float]) -> _Features:
        x, lines, energy = self.energy, self.lines[element], self.recipe.energy
        tail, lag, survival = named["tail"], named.get(f"{element} lag", 0.0), named["survival"]
        sigma, _ = self.widths(element, named)
        width = float(np.sqrt(sigma**2 + lines.spread**2 + (STRAGGLING * lag) ** 2))
        at = lines.centroid + shift - lag
        peak = shapes.peak(x[:, None], lines.energy + shift, sigma, tail)
        edge = shapes.edge(x, at, width)
        depth = (at - x) / SLOPE_UNIT
        path = x**-0.5 - at**-0.5
        alive = np.exp(-survival * path)
        alive_slope = -0.5 * survival * at**-1.5
        profile = np.zeros_like(x) if element in self.absent else peak.value @ lines.weight
        columns = [profile, edge.value * alive, edge.value * depth * alive]
        foot = None
        if self.recipe.foot and element != self.heaviest:
            foot = shapes.edge(x, at + FOOT_POSITION * energy, FOOT_WIDTH * energy)
            columns.append(foot.value * alive)
        return _Features(
            columns,
            peak,
            edge,
            foot,
            lines.weight,
            depth,
            sigma / width,
            STRAGGLING**2 * lag / width,
            path,
            alive,
            alive_slope,
        )

    def idle_lags(self, shape_values: Array, linear: Array, sigma: Array) -> NDArray[np.bool_]:
        """Find lags of shoulders too faint to have an edge, shape (shape_count,).

        Parameters
        ----------
        shape_values, linear
            Parameters, shapes (shape_count,) and (linear,).
        sigma
            Standard uncertainty of each point, shape (n,).
        """
        idle = np.zeros(self.shape_count, dtype=bool)
        columns = self.design(shape_values)
        for element in self.recipe.lagging():
            used = [self.linear_names.index(f"{element} {part}") for part in ("shoulder", "slope")]
            signal = columns[:, used] @ linear[used] / sigma
            idle[self.shape_names.index(f"{element} lag")] = float(signal @ signal) < FAINT
        return idle

    def evaluate(self, values: Array) -> Array:
        """Return the model, shape (n,)."""
        return np.asarray(self.design(values[: self.shape_count]) @ values[self.shape_count :])

    def jacobian(self, values: Array) -> Array:
        """Return the derivatives by every parameter, shape (n, parameters)."""
        columns, slopes = self._columns(values[: self.shape_count], values[self.shape_count :])
        return np.concatenate([slopes, columns], axis=1)

    def contributions(self, values: Array) -> tuple[Array, Array]:
        """Return surface peaks, shape (elements, n), and everything below them, shape (n,)."""
        linear = values[self.shape_count :]
        columns = self.design(values[: self.shape_count])
        peaks = (columns[:, self.area_columns] * linear[self.area_columns]).T
        rest = np.delete(np.arange(linear.size), self.area_columns)
        return peaks, np.asarray(columns[:, rest] @ linear[rest])
