r"""The model of a LEIS spectrum: tied peaks on their in-depth shoulders.

.. math::

    y(E) = \sum_{el}\Big\{A\sum_i f_i\,\mathrm{EMG}(E;\,gE_i+\delta,\,s,\,\tau)
    + \Big[B + U\frac{E_e - E}{\mathrm{keV}}\Big]\mathrm{step}(E_e, s)
    + W\,\mathrm{step}(E_e + e_f,\,s_f)\Big\} + S\,e^{-(E-E_\mathrm{low})/\epsilon} + c

Every position follows from the kinematics by one offset :math:`\delta`; isotopes are weighted by abundance times
cross-section; `t` runs from 0 at the edge to 1 at the low end of the window, so that :math:`B_1, B_2 \ge 0` keep the
shoulder positive; the foot `W` is plural scattering of light atoms with heavy ones and is left out for the
heaviest element. Areas and heights enter linearly and are never negative; the offset, the resolution, the tail and the lags
are the only other parameters.

Peak and shoulder of re-ionised ions from the depth follow Nelson, J. Vac. Sci. Technol. A 4 (1986) 1567 and
Brötzner et al., arXiv:2311.10604; the edge is an error function instead of an arctangent, which leaks above the edge. Width and
position of the foot (130 eV and 40 eV for 3 keV He) are those of an independent Monte Carlo simulation of oxides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surfspec.errors import InputError
from surfspec.fitting.model import Parameter
from surfspec.leis import isotopes as iso
from surfspec.leis import shapes
from surfspec.leis.cross_sections import isotope_cross_sections
from surfspec.leis.kinematics import isotope_energies
from surfspec.leis.recipe import Recipe
from surfspec.leis.width import FWHM, fixed_variance

Array = NDArray[np.float64]

#: Position above the edge and standard deviation of the plural-scattering foot, in units of the ion energy.
FOOT_POSITION = 40.0 / 3000.0
FOOT_WIDTH = 130.0 / 3000.0
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
    variance
        Width that the analyser does not make, eV^2.
    """

    energy: Array
    weight: Array
    centroid: float
    spread: float
    variance: float


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
    [0.921, 0.047, 0.031]
    """
    setting = {"ion": recipe.ion, "energy": recipe.energy, "angle": recipe.angle}
    energy = recipe.gain * isotope_energies(element, loss=recipe.inelastic_loss.get(element, 0.0), **setting)
    sigma = isotope_cross_sections(element, potential=recipe.potential, **setting)
    weight = iso.isotopes(element).abundance * sigma
    real = np.isfinite(energy) & np.isfinite(weight)
    energy, weight = energy[real], weight[real] / weight[real].sum()
    centroid = float(weight @ energy)
    variance = fixed_variance(
        element, acceptance=recipe.acceptance, thermal_energy=recipe.thermal_energy, **setting
    )
    spread = float(np.sqrt(weight @ (energy - centroid) ** 2))
    return Lines(energy, weight, centroid, spread, recipe.gain**2 * variance)


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

    Raises
    ------
    InputError
        When a peak lies outside the data.
    """

    def __init__(self, recipe: Recipe, energy: Array, units: str = "counts") -> None:
        self.recipe = recipe
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
            *(("tail",) if recipe.low_energy_tail else ()),
            *(f"{element} lag" for element in recipe.lagging()),
        )
        self.linear_names = self._linear_names()
        self.signed = np.array([name.endswith(" slope") for name in self.linear_names])
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
            Parameter("resolution", float(np.sqrt(r.resolution[0] * r.resolution[1])), *r.resolution),
        ]
        if r.low_energy_tail:
            parameters.append(Parameter("tail", float(np.sqrt(r.tail[0] * r.tail[1])), *r.tail, unit="eV", natural_low=True))
        for element in r.lagging():
            start = float(np.clip(20.0, *r.lag_range))
            natural = r.lag_range[0] == 0.0
            parameters.append(Parameter(f"{element} lag", start, *r.lag_range, unit="eV", natural_low=natural))
        for name in self.linear_names:
            unit = f"{units} eV" if name.endswith(" area") else units
            if name.endswith(" slope"):
                parameters.append(Parameter(name, 0.0, unit=units))
            else:
                parameters.append(Parameter(name, 0.0, 0.0, np.inf, unit=unit, natural_low=True))
        return tuple(parameters)

    @property
    def shape_count(self) -> int:
        """Number of non-linear parameters."""
        return len(self.shape_names)

    def sigma(self, element: str, resolution: float) -> tuple[float, float]:
        """Return the standard deviation of a peak (eV) and its derivative by the resolution."""
        lines = self.lines[element]
        scale = lines.centroid / FWHM
        value = float(np.sqrt((resolution * scale) ** 2 + lines.variance))
        return value, resolution * scale**2 / value

    def design(self, shape_values: Array) -> Array:
        """Return the columns of the linear parameters, shape (n, linear)."""
        return self._columns(shape_values, None)[0]

    def slopes(self, shape_values: Array, linear: Array) -> Array:
        """Return the derivatives of the model by the non-linear parameters, shape (n, shape_count)."""
        return self._columns(shape_values, linear)[1]

    def _columns(self, shape_values: Array, linear: Array | None) -> tuple[Array, Array]:
        named = dict(zip(self.shape_names, map(float, shape_values), strict=True))
        offset, resolution, tail = named["offset"], named["resolution"], named.get("tail", 0.0)
        x, position = self.energy, {name: i for i, name in enumerate(self.shape_names)}
        columns = np.empty((x.size, len(self.linear_names)))
        slopes = np.zeros((x.size, self.shape_count))
        column = 0
        for element in self.recipe.elements:
            lines = self.lines[element]
            sigma, sigma_slope = self.sigma(element, resolution)
            peak = shapes.peak(x[:, None], lines.energy + offset, sigma, tail)
            width = float(np.hypot(sigma, lines.spread))
            lag = named.get(f"{element} lag", 0.0)
            at = lines.centroid + offset - lag
            step = shapes.edge(x, at, width)
            depth = (at - x) / SLOPE_UNIT
            block = [peak.value @ lines.weight, step.value, step.value * depth]
            foot = self.recipe.foot and element != self.heaviest
            if foot:
                energy = self.recipe.energy
                plural = shapes.edge(x, at + FOOT_POSITION * energy, FOOT_WIDTH * energy)
                block.append(plural.value)
            columns[:, column : column + len(block)] = np.stack(block, axis=1)
            if linear is not None:
                a, height, slope, *rest = linear[column : column + len(block)]
                level = height + slope * depth
                # both the edge and the ramp of the shoulder move with the edge
                move = level * step.by_center + slope / SLOPE_UNIT * step.value
                if foot:
                    move = move + rest[0] * plural.by_center
                slopes[:, position["offset"]] += a * (peak.by_center @ lines.weight) + move
                slopes[:, position["resolution"]] += sigma_slope * (
                    a * (peak.by_sigma @ lines.weight) + level * step.by_sigma * sigma / width
                )
                if "tail" in position:
                    slopes[:, position["tail"]] += a * (peak.by_tail @ lines.weight)
                if f"{element} lag" in position:
                    slopes[:, position[f"{element} lag"]] -= move
            column += len(block)
        if self.recipe.sputter_tail:
            columns[:, column] = np.exp(-(x - x[0]) / self.recipe.sputter_decay)
            column += 1
        columns[:, column] = 1.0
        return columns, slopes

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
