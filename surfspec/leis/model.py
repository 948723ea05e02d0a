r"""The model of a LEIS spectrum: tied peaks on their in-depth shoulders.

.. math::

    y(E) = T(E)\sum_{el}\Big\{A\sum_i f_i\,\mathrm{EMG}(E;\,gE_i+\delta+\delta_\tau,\,s,\,\tau)
    + \Big[\big(B + U\tfrac{E_e - E}{\mathrm{keV}}\big)\,\mathrm{step}(E_e, s)
    + W\,\mathrm{step}(E_e + e_f,\,s_f)\Big]\,e^{-k(E^{-1/2} - E_e^{-1/2})}\Big\}
    + S\,e^{-(E-E_\mathrm{low})/\epsilon} + c

Every position follows from the kinematics by one offset :math:`\delta`, the shift of the maxima; :math:`\delta_\tau` is
the distance of the Gaussians above the maxima of the tailed peaks. Isotopes are weighted by abundance times
cross-section. :math:`E_e` is the centre of the lines less the element's lag, and straggling adds 2.5 eV times the lag
to the variance of the edge (losses of independent collisions add up in variance; the number is `unverified`, chosen by
the likelihood of simulated spectra); :math:`T` is the transmission of the analyser; `B` and the rise `U` make the
shoulder of ions that were scattered in the depth and re-ionised; `k` is the survival of the
slower of them, one for the whole spectrum. The foot `W` is plural scattering of light atoms with heavy ones, and is
left out for the heaviest element. Areas and heights enter linearly and none is ever negative, so that no shoulder can
undercut a peak; offset, resolution, acceptance, survival, tail and lags are the only other parameters.

The angles that the lens accepts widen `s` like a Gaussian, or blur peaks and edges by a window that ends somewhere
(:mod:`surfspec.leis.features.window`): uniform angles, or all directions inside a cone, with the energy to second order
in the angle. Cross-section and transmission are taken as constant inside the window.

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
from surfspec.leis.collisions.analyser import transmission
from surfspec.leis.features import shapes
from surfspec.leis.features.blur import Blur, blur_of
from surfspec.leis.features.element import Features, features_of
from surfspec.leis.features.lines import lines_of
from surfspec.leis.recipe import Recipe

Array = NDArray[np.float64]

#: Chi-square that a shoulder must explain before its edge can be placed.
FAINT = 25.0


def _middle(pair: tuple[float, float]) -> float:
    """Return the geometric mean of a range, inside it to the last digit."""
    return float(np.clip(np.sqrt(pair[0] * pair[1]), *pair))


@dataclass(frozen=True)
class _Point:
    """All that the non-linear parameters alone determine: the linear columns, and what their derivatives need."""

    named: dict[str, float]
    shift_slopes: dict[str, float]
    features: tuple[Features, ...]
    columns: Array


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
        self.response = self.response_at(self.energy)
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
        self._last: tuple[bytes, _Point] | None = None

    def _linear_names(self) -> tuple[str, ...]:
        names: list[str] = []
        for element in self.recipe.elements:
            names += [f"{element} area", f"{element} shoulder"]
            if self.recipe.slope:
                names.append(f"{element} slope")
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

    def response_at(self, energy: Array) -> Array:
        """Return the transmission of the analyser at these energies (eV)."""
        return transmission(energy, self.recipe.transmission, ion_energy=self.recipe.energy)

    @property
    def shape_count(self) -> int:
        """Number of non-linear parameters."""
        return len(self.shape_names)

    def widths(self, element: str, named: Mapping[str, float]) -> tuple[float, dict[str, float]]:
        """Return the standard deviation of a line (eV) and its derivatives by the free ones of its two parameters."""
        blur = self.blur(element, named)
        return blur.total, {name: slope for name, slope in blur.total_slopes.items() if name in self.shape_names}

    def blur(self, element: str, named: Mapping[str, float]) -> Blur:
        """Return what widens a line of `element` at these non-linear parameters."""
        fixed = self.recipe.acceptance
        return blur_of(
            self.lines[element],
            resolution=named["resolution"],
            acceptance=named["acceptance"] if isinstance(fixed, tuple) else fixed,
            shape=self.recipe.acceptance_shape,
        )

    def named(self, shape_values: Array) -> dict[str, float]:
        """Return the non-linear parameters by name, a tail of 0 where the recipe has none."""
        return {"tail": 0.0, **dict(zip(self.shape_names, map(float, shape_values), strict=True))}

    def design(self, shape_values: Array) -> Array:
        """Return the columns of the linear parameters, shape (n, linear), not to be written into."""
        return self._at(shape_values).columns

    def slopes(self, shape_values: Array, linear: Array) -> Array:
        """Return the derivatives of the model by the non-linear parameters, shape (n, shape_count)."""
        return self._slopes(shape_values, linear)[0]

    def gain_slope(self, shape_values: Array, linear: Array) -> Array:
        """Return the derivative of the model by the gain, every line moved with its element's mean, shape (n,)."""
        return self._slopes(shape_values, linear)[1]

    def _slopes(self, shape_values: Array, linear: Array) -> tuple[Array, Array]:
        """Return the derivatives by the non-linear parameters, shape (n, shape_count), and by the gain, shape (n,)."""
        point = self._at(shape_values)
        position = {name: i for i, name in enumerate(self.shape_names)}
        slopes = np.zeros((self.energy.size, self.shape_count))
        moved, stretched = np.zeros((2, self.energy.size))
        column = 0
        for element, feature in zip(self.recipe.elements, point.features, strict=True):
            count = len(feature.columns)
            by_peak, by_edge, by_lag, by_sigma, by_tail, by_survival, by_box = feature.slopes(
                linear[column : column + count]
            )
            moved += by_peak + by_edge
            stretched += self.lines[element].centroid / self.recipe.gain * (by_peak + by_edge)
            slopes[:, position["survival"]] += by_survival
            blur = self.blur(element, point.named)
            for given, shape_slope in ((blur.sigma_slopes, by_sigma), (blur.box_slopes, by_box)):
                for name, slope in given.items():
                    if name in position:
                        slopes[:, position[name]] += slope * shape_slope
            if "tail" in position:
                slopes[:, position["tail"]] += by_tail
            if f"{element} lag" in position:
                slopes[:, position[f"{element} lag"]] += by_lag
            column += count
        # every position moves with the offset and with the shift of the centres
        slopes[:, position["offset"]] = moved
        for name, slope in point.shift_slopes.items():
            if name in position:
                slopes[:, position[name]] += slope * moved
        return slopes * self.response[:, None], stretched * self.response

    def center_shift(self, named: Mapping[str, float]) -> tuple[float, dict[str, float]]:
        """Return how far the Gaussians lie above the maximum of their peaks (eV), with derivatives.

        One number for the whole spectrum, taken at the mean width of the elements: the offset then describes where
        the maxima are, which the data know well, and not where the tails begin, which they do not.
        """
        pairs = [self.widths(element, named) for element in self.recipe.elements]
        top, by_sigma, by_tail = shapes.mode(float(np.mean([value for value, _ in pairs])), named["tail"])
        slopes = {name: -by_sigma * float(np.mean([slope[name] for _, slope in pairs])) for name in pairs[0][1]}
        return -top, {**slopes, "tail": -by_tail}

    def _at(self, shape_values: Array) -> _Point:
        """Return what these parameters determine; the last point is kept, for most are asked for more than once."""
        key = np.asarray(shape_values, dtype=np.float64).tobytes()
        last = self._last
        if last is None or last[0] != key:
            last = (key, self._compute(shape_values))
            self._last = last
        return last[1]

    def _compute(self, shape_values: Array) -> _Point:
        named = self.named(shape_values)
        shift, shift_slopes = self.center_shift(named)
        x, recipe = self.energy, self.recipe
        features = tuple(self._features(element, named, named["offset"] + shift) for element in recipe.elements)
        columns = np.ones((x.size, len(self.linear_names)))
        peaks = [column for feature in features for column in feature.columns]
        columns[:, : len(peaks)] = np.stack(peaks, axis=1) * self.response[:, None]
        if recipe.sputter_tail:
            columns[:, len(peaks)] = np.exp(-(x - x[0]) / recipe.sputter_decay)
        columns.flags.writeable = False
        return _Point(named, shift_slopes, features, columns)

    def _features(self, element: str, named: Mapping[str, float], shift: float) -> Features:
        recipe, blur = self.recipe, self.blur(element, named)
        return features_of(
            self.energy,
            self.lines[element],
            shift=shift,
            sigma=blur.sigma,
            tail=named["tail"],
            lag=named.get(f"{element} lag", 0.0),
            survival=named["survival"],
            foot_of=recipe.energy if recipe.foot and element != self.heaviest else None,
            foot_shape=recipe.foot_shape,
            sloped=recipe.slope,
            absent=element in self.absent,
            box=blur.box,
            window=blur.window,
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
            parts = ("shoulder", "slope") if self.recipe.slope else ("shoulder",)
            used = [self.linear_names.index(f"{element} {part}") for part in parts]
            signal = columns[:, used] @ linear[used] / sigma
            idle[self.shape_names.index(f"{element} lag")] = float(signal @ signal) < FAINT
        return idle

    def evaluate(self, values: Array) -> Array:
        """Return the model, shape (n,)."""
        return np.asarray(self.design(values[: self.shape_count]) @ values[self.shape_count :])

    def jacobian(self, values: Array) -> Array:
        """Return the derivatives by every parameter, shape (n, parameters)."""
        shape_values, linear = values[: self.shape_count], values[self.shape_count :]
        return np.concatenate([self.slopes(shape_values, linear), self.design(shape_values)], axis=1)

    def contributions(self, values: Array) -> tuple[Array, Array]:
        """Return surface peaks, shape (elements, n), and everything below them, shape (n,)."""
        linear = values[self.shape_count :]
        columns = self.design(values[: self.shape_count])
        peaks = (columns[:, self.area_columns] * linear[self.area_columns]).T
        rest = np.delete(np.arange(linear.size), self.area_columns)
        return peaks, np.asarray(columns[:, rest] @ linear[rest])
