r"""A model whose background is fitted with the peaks: a polynomial, and what electrons of the peaks lose on their way.

.. math:: B(E) = \sum_{m=0}^{M} c_m (E - E_1)^m + \sum_j k_j \int_{E_1}^{E} P_j\,dE'
          + k_s \int_{E_1}^{E}\!\!\int_{E_1}^{E'} \sum_j P_j\,dE''\,dE'
          + \int_{E_1}^{E} K(E - E') \sum_j P_j(E')\,dE'

It integrates the peaks of the model and not the data, so that it is no function of the noise, and its uncertainty and
its correlation with the areas are part of the covariance.

References
----------
A. Herrera-Gomez et al., Surf. Interface Anal. 50 (2018) 246 (the Shirley-Vegh-Salvi-Castle background in active
fits; one strength for each peak, the slope term); J. Castle and A. Salvi, J. Electron Spectrosc. 114-116 (2001) 1103;
S. Tougaard, Surf. Interface Anal. 25 (1997) 137.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import cumulative_simpson
from scipy.optimize import nnls

from surfspec.errors import InputError
from surfspec.fitting.backgrounds.tougaard import CrossSection, kernel
from surfspec.fitting.model import BoundModel, Model

Array = NDArray[np.float64]

#: What electrons of the peaks may do to the background.
SCATTERINGS: Final = ("shirley", "slope", "tougaard")
#: Highest power of the polynomial: what bends more is no background.
HIGHEST_DEGREE: Final = 3


@dataclass(frozen=True)
class Scattering:
    """One term of an active background that follows peaks.

    Attributes
    ----------
    parameter
        Its strength: 1/eV (``shirley``), 1/eV2 (``slope``), or the factor B in eV2 (``tougaard``).
    kind
        One of :data:`SCATTERINGS`.
    components
        Positions of the peaks that it integrates.
    cross_section
        Of ``tougaard``; its factor B is not used.
    """

    parameter: str
    kind: str
    components: tuple[int, ...]
    cross_section: CrossSection | None = None

    def __post_init__(self) -> None:
        if self.kind not in SCATTERINGS:
            raise InputError(
                f"unknown scattering {self.kind!r}", where="kind", remedy=f"Use one of {', '.join(SCATTERINGS)}"
            )
        if (self.kind == "tougaard") != (self.cross_section is not None):
            raise InputError(
                f"scattering {self.kind!r} and the cross-section {self.cross_section}",
                where="cross_section",
                remedy="Give a cross-section for 'tougaard', and for nothing else",
            )


@dataclass(frozen=True)
class ActiveBackground:
    """What an active background is made of.

    Attributes
    ----------
    polynomial
        Parameters of the powers 0, 1, 2, ... of ``E - E_1``; none for no polynomial.
    scatterings
        The terms that follow peaks.
    """

    polynomial: tuple[str, ...] = ()
    scatterings: tuple[Scattering, ...] = ()

    def __post_init__(self) -> None:
        if len(self.polynomial) > HIGHEST_DEGREE + 1:
            raise InputError(
                f"a polynomial of degree {len(self.polynomial) - 1}",
                where="degree",
                remedy=f"Use degree {HIGHEST_DEGREE} at most: what bends more is no background",
            )


class ActiveModel(BoundModel):
    """Peaks over a background that is fitted with them.

    Parameters
    ----------
    model
        The table of components; its parameters hold those of the background, too.
    x
        Rising axis, shape (n,), n > 2.
    active
        What the background is made of.

    Raises
    ------
    InputError
        Where the model lacks a parameter or component of the background, or points are too few.

    Examples
    --------
    >>> from surfspec.fitting import Component, Parameter, Tie
    >>> ps = (Parameter("a", 50.0, 0.0), Parameter("c", 5.0), Parameter("w", 1.0, 0.1), Parameter("level", 2.0),
    ...       Parameter("k", 0.02, 0.0))
    >>> peak = Component("one", "gaussian", Tie("a"), {"center": Tie("c"), "fwhm": Tie("w")})
    >>> under = ActiveBackground(("level",), (Scattering("k", "shirley", (0,)),))
    >>> bound = ActiveModel(Model(ps, (peak,)), np.linspace(0.0, 10.0, 101), under)
    >>> bound.background(np.array([50.0, 5.0, 1.0, 2.0, 0.02]))[[0, -1]].round(6).tolist()
    [2.0, 3.0]
    """

    def __init__(self, model: Model, x: Array, active: ActiveBackground) -> None:
        if x.size < 3:
            raise InputError(f"{x.size} points", where="x", remedy="An active background needs three or more")
        super().__init__(model, x, np.zeros(x.size))
        self.active = active
        names = [*active.polynomial, *(one.parameter for one in active.scatterings)]
        missing = [name for name in names if name not in self._index]
        beyond = [i for one in active.scatterings for i in one.components if not 0 <= i < len(model.components)]
        if missing or beyond:
            raise InputError(
                f"the background follows {missing[0] if missing else beyond[0]!r}, which the model has not",
                where="active",
                remedy="Add its parameters to the model, and name components by their position",
            )
        self._powers = (x - x[0]) ** np.arange(len(active.polynomial))[:, None]
        self._at = [self._index[name] for name in active.polynomial]
        self._operators = [operator(one, x) for one in active.scatterings]

    def background(self, values: Array) -> Array:
        """Return the background that belongs to these parameters, shape (n,)."""
        return self._over(self._contributions(self.x, values), values)

    def _over(self, peaks: Array, values: Array) -> Array:
        out: Array = values[self._at] @ self._powers if self._at else np.zeros(self.x.size)
        for one, matrix in zip(self.active.scatterings, self._operators, strict=True):
            out = out + values[self._index[one.parameter]] * (matrix @ peaks[list(one.components)].sum(axis=0))
        return out

    def evaluate(self, values: Array) -> Array:
        """Return the model, shape (n,): background plus all components."""
        peaks = self._contributions(self.x, values)
        out: Array = self._over(peaks, values) + peaks.sum(axis=0)
        return out

    def jacobian(self, values: Array) -> Array:
        """Return the derivatives of the model by every parameter, shape (n, parameters)."""
        out = np.zeros((self.x.size, len(self.parameters)))
        peaks = np.zeros((len(self._shapes), self.x.size))
        for index, one in enumerate(self._shapes):
            component = self.model.components[index]
            area, roles = self.roles(index, values)
            rows = one.derivatives(self.x, *roles)
            peaks[index] = area * rows[0]
            rows = rows + self._scattered(index, rows, values)
            self._add(out, component.area, rows[0], values)
            for row, role in zip(rows[1:], one.roles, strict=True):
                self._add(out, component.roles[role], area * row, values)
        out[:, self._at] += self._powers.T
        for term, matrix in zip(self.active.scatterings, self._operators, strict=True):
            out[:, self._index[term.parameter]] += matrix @ peaks[list(term.components)].sum(axis=0)
        return out

    def _scattered(self, index: int, rows: Array, values: Array) -> Array:
        """Return what rows of one component leave in the background."""
        out = np.zeros(rows.shape)
        for one, matrix in zip(self.active.scatterings, self._operators, strict=True):
            strength = values[self._index[one.parameter]] * one.components.count(index)
            if strength:
                out += strength * (rows @ matrix.T)
        return out

    def start(self, values: Array, y: Array, sigma: Array) -> Array:
        """Return `values` with areas and background set by non-negative least squares on `y`."""
        columns = self.area_columns(values)
        profiles = np.array(list(columns.values())).reshape(len(columns), self.x.size)
        rows = [*profiles, *self._powers, *-self._powers]
        fed = [self._feeders(one, list(columns)) for one in self.active.scatterings]
        rows += [matrix @ profiles[some].sum(axis=0) for matrix, some in zip(self._operators, fed, strict=True)]
        scale = np.array([max(float(np.max(np.abs(row))), 1e-300) for row in rows])
        found, _ = nnls((np.array(rows) / scale[:, None]).T / sigma[:, None], y / sigma)
        found /= scale
        out = np.array(values, dtype=np.float64)
        powers = len(self._at)
        areas, up, down, strengths = np.split(found, np.cumsum([len(columns), powers, powers]))
        for position, number in [*zip(columns, areas, strict=True), *zip(self._at, up - down, strict=True)]:
            out[position] = self._inside(position, number)
        for one, strength, some in zip(self.active.scatterings, strengths, fed, strict=True):
            total = float(areas[some].sum())
            if total > 0:
                place = self._index[one.parameter]
                out[place] = self._inside(place, strength * len(some) / total)
        return out

    def _feeders(self, one: Scattering, positions: list[int]) -> list[int]:
        """Return which of the free areas belong to the peaks of a scattering."""
        areas = {self._index[self.model.components[i].area.parameter] for i in one.components}
        return [i for i, position in enumerate(positions) if position in areas]

    def _inside(self, position: int, number: float) -> float:
        one = self.parameters[position]
        return float(np.clip(number, one.low, one.high)) if one.vary else one.value

    def background_unc(self, values: Array, covariance: Array) -> Array:
        """Return one standard uncertainty of the background at every point, shape (n,).

        Parameters
        ----------
        values, covariance
            Of all parameters, shapes (p,) and (p, p); NaN counts as 0.
        """
        rows = self.jacobian(values) - BoundModel(self.model, self.x, self.base).jacobian(values)
        clean = np.nan_to_num(covariance)
        return np.asarray(np.sqrt(np.maximum(np.einsum("ip,pq,iq->i", rows, clean, rows), 0.0)))


def power_missed(bound: ActiveModel, values: Array, pulls: Array, weight: Array) -> float:
    r"""Return by how much the deviance would fall with one more power of the polynomial: the score test of a column.

    .. math:: \frac{(c_\perp^T r)^2}{c_\perp^T c_\perp}, \qquad c_\perp = (1 - Q Q^T)\, W^{1/2} (E - E_1)^{M + 1}

    Parameters
    ----------
    bound
        The model.
    values
        Where its fit ended, shape (p,).
    pulls, weight
        Residuals over their standard deviations r, and one over these, shape (n,).

    References
    ----------
    C. R. Rao, Proc. Camb. Phil. Soc. 44 (1948) 50.
    """
    free = np.array([p.vary and p.low < v < p.high for p, v in zip(bound.parameters, values, strict=True)])
    columns = weight[:, None] * bound.jacobian(values)[:, free]
    size = np.sqrt((columns**2).sum(axis=0))
    left, singular, _ = np.linalg.svd(columns[:, size > 0] / size[size > 0], full_matrices=False)
    basis = left[:, singular > 1e-10 * singular[:1].max(initial=0.0)]
    column = weight * ((bound.x - bound.x[0]) / np.ptp(bound.x)) ** len(bound.active.polynomial)
    rest = column - basis @ (basis.T @ column)
    length = float(rest @ rest)
    return float(rest @ pulls) ** 2 / length if length > 1e-10 * float(column @ column) else 0.0


def operator(one: Scattering, x: Array) -> Array:
    r"""Return what a scattering makes of a peak as a matrix over the points, shape (n, n).

    ``shirley``: the running integral by Simpson's rule; ``slope``: the same twice; ``tougaard``:
    :math:`K(x_i - x_j) w_j` with the weights of the trapezoidal rule, for a cross-section of B = 1 eV2.

    Parameters
    ----------
    one
        The scattering.
    x
        Rising axis, shape (n,).

    Examples
    --------
    >>> x = np.linspace(0.0, 1.0, 11)
    >>> round(float((operator(Scattering("k", "shirley", (0,)), x) @ x**2)[-1]), 12)
    0.333333333333
    """
    if one.cross_section is not None:
        gaps = np.diff(x)
        weight = 0.5 * (np.append(gaps, 0.0) + np.append(0.0, gaps))
        losses = np.maximum(x[:, None] - x[None, :], 0.0)
        return np.asarray(kernel(losses, one.cross_section._replace(B=1.0)) * weight)
    integral = np.asarray(cumulative_simpson(np.eye(x.size), x=x, axis=1, initial=0.0)).T
    return integral @ integral if one.kind == "slope" else integral
