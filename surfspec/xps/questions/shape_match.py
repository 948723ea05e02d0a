"""One spectrum as another one scaled, shifted and over another background, the noise of both taken part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline
from scipy.linalg import cho_solve_banded, cholesky_banded

from surfspec.errors import InputError, NotDeterminedError
from surfspec.xps.questions.shape_spread import DEGREE, Spread, basis, normal_bands

Array = NDArray[np.float64]

#: Passes in which the variance of counts is that of the smooth curve.
PASSES: Final = 4
#: Smallest variance of counts.
FEWEST: Final = 0.5
#: Gauss-Newton steps at most, and the step in standard uncertainties that ends them.
STEPS: Final = 60
SETTLED: Final = 1e-4
#: Points and sweeps of the Shirley step, and the part of the spectrum that makes its end levels, in eV.
FINE: Final = 1001
SWEEPS: Final = 30
END: Final = 1.0
#: Shifts that are tried first, in units of the distance of the knots.
COARSE: Final = 0.35
#: Information, relative to the largest, that is rounding.
SINGULAR: Final = 1e-10


@dataclass(frozen=True)
class Points:
    """A spectrum: energies, intensities, and standard uncertainties; None for counts."""

    x: Array
    y: Array
    sigma: Array | None


@dataclass(frozen=True)
class Smooth:
    """A spectrum as a cubic spline, by weighted least squares.

    Attributes
    ----------
    knots
        With the repeated ones at the ends.
    values
        Coefficients, shape (k,).
    bands
        Upper diagonals of the inverse of their covariance, shape (4, k).
    variance
        Of every intensity, shape (n,): for counts that of the curve, so that no point weighs by its own noise.
    chi2, dof
        Of the curve.
    """

    knots: Array
    values: Array
    bands: Array
    variance: Array
    chi2: float
    dof: int


def knots_over(low: float, high: float, apart: float) -> Array:
    """Return knots of a cubic spline over a range, about so far apart."""
    inner = np.linspace(low, high, max(2, round((high - low) / apart) + 1))
    return np.concatenate([np.repeat(low, DEGREE), inner, np.repeat(high, DEGREE)])


def smooth(points: Points, knots: Array) -> Smooth:
    """Return the spline of a spectrum."""
    design = basis(knots, points.x)
    variance = np.maximum(points.y, 1.0) if points.sigma is None else points.sigma**2
    for number in range(PASSES if points.sigma is None else 1):
        bands = normal_bands(design, variance)
        try:
            factor = cholesky_banded(bands)
        except np.linalg.LinAlgError as error:
            raise InputError(
                "there are too few points between the knots", where="resolution", remedy="Give a coarser resolution"
            ) from error
        values = cho_solve_banded((factor, False), design.T @ (points.y / variance))
        curve = design @ values
        if points.sigma is None and number < PASSES - 1:
            variance = np.maximum(curve, FEWEST)
    chi2 = float(np.sum((points.y - curve) ** 2 / variance))
    return Smooth(knots, values, bands, variance, chi2, points.x.size - values.size)


@dataclass(frozen=True)
class Step:
    r"""The Shirley step of a smooth spectrum, :math:`C \propto \int^E (a - B)` with :math:`B = b_1 + (b_2 - b_1) C`.

    Its own noise, an average over the whole spectrum, is passed over.
    """

    grid: Array
    total: Array

    @classmethod
    def of(cls, curve: Smooth) -> Step:
        """Return that of a spectrum."""
        grid = np.linspace(curve.knots[0], curve.knots[-1], FINE)
        y = basis(curve.knots, grid) @ curve.values
        edge = max(1, int(END / (grid[-1] - grid[0]) * FINE))
        low, high = float(y[:edge].mean()), float(y[-edge:].mean())
        total = np.linspace(0.0, 1.0, FINE)
        for _ in range(SWEEPS):
            net = y - low - (high - low) * total
            sum_ = np.concatenate([[0.0], np.cumsum((net[1:] + net[:-1]) / 2)])
            if not sum_[-1] > 0:  # nothing lies above such a background
                return cls(grid, np.linspace(0.0, 1.0, FINE))
            total = sum_ / sum_[-1]
        return cls(grid, total)

    def step(self, x: Array) -> Array:
        """Return the step at some energies."""
        return np.interp(x, self.grid, self.total)

    def slope(self, x: Array) -> Array:
        """Return its derivative."""
        return np.interp(x, self.grid, np.gradient(self.total, self.grid))


@dataclass(frozen=True)
class Match:
    r"""How one spectrum becomes the other: :math:`b(E) = s\,a(E - d) + k\,C(E - d) + P(E)`.

    Attributes
    ----------
    names, values, covariance
        ``scale``, ``shift``, ``step`` where it is fitted, and the polynomial.
    chi2, dof
        Likelihood ratio against two curves that have nothing to do with each other.
    residual, spread
        b less the model, shape (n,), and its covariance.
    slopes
        Derivatives of the model by the parameters, shape (n, p).
    model
        The model of b, shape (n,).
    at_limit
        Whether the shift lies at the end of its range.
    known
        Whether the data tell the scale from the background.
    """

    names: tuple[str, ...]
    values: Array
    covariance: Array
    chi2: float
    dof: int
    residual: Array
    spread: Spread
    slopes: Array
    model: Array
    at_limit: bool
    known: bool


def _covariance(information: Array) -> tuple[Array, bool]:
    """Return the covariance of the parameters, what is not known left out; and whether the first one is known."""
    size = np.sqrt(np.diag(information))
    size = np.where(size > 0, size, 1.0)
    weights, ways = np.linalg.eigh(information / np.outer(size, size))
    kept = weights > SINGULAR * weights[-1]
    covariance = (ways[:, kept] / weights[kept]) @ ways[:, kept].T / np.outer(size, size)
    return covariance, bool(np.sum(ways[0, ~kept] ** 2) < SINGULAR**0.5)


class Matcher:
    """Finds scale, shift and background between a smooth spectrum and the points of another."""

    def __init__(self, first: Smooth, points: Points, own: Smooth, *, degree: int, step: bool, farthest: float) -> None:
        self.first, self.points, self.own, self.step, self.farthest = first, points, own, step, farthest
        self.under = Step.of(first)
        middle, half = (points.x[0] + points.x[-1]) / 2, (points.x[-1] - points.x[0]) / 2
        self.polynomial = np.vander((points.x - middle) / half, degree + 1, increasing=True)
        self.names = ("scale", "shift", *(["step"] if step else []), *(f"c{i}" for i in range(degree + 1)))

    def at(self, values: Array) -> Match:
        """Return the match at some parameters; its chi-square is the least over the shape that both share."""
        first, points = self.first, self.points
        x = points.x - values[1]
        plain, step = basis(first.knots, x), self.under.step(x)
        matrix = values[0] * plain
        offset = self.polynomial @ values[3 if self.step else 2 :] + (values[2] * step if self.step else 0.0)
        residual = points.y - matrix @ first.values - offset
        spread = Spread(self.own.variance, matrix, first.bands)
        shared = first.values + spread.moved(residual)
        slopes = self._slopes(values, shared, plain @ shared)
        covariance, known = _covariance(slopes.T @ spread.solve(slopes))
        chi2 = float(residual @ spread.solve(residual)) - self.own.chi2
        limit = bool(abs(values[1]) >= 0.999 * self.farthest)
        free = values.size - (0 if values[0] else 2)
        return Match(
            self.names, values, covariance, max(chi2, 0.0), self.own.values.size - free,
            residual, spread, slopes, matrix @ shared + offset, limit, known,
        )  # fmt: skip

    def _slopes(self, values: Array, shared: Array, moved: Array) -> Array:
        """Return the derivatives of the model by its parameters, where both have the shape `shared`."""
        x = self.points.x - values[1]
        by_shift = values[0] * BSpline(self.first.knots, shared, DEGREE).derivative()(x)
        if self.step:
            by_shift = by_shift + values[2] * self.under.slope(x)
        if not values[0]:  # without a there is neither scale nor shift
            moved, by_shift = np.zeros_like(moved), np.zeros_like(moved)
        columns = [moved, -by_shift, *([self.under.step(x)] if self.step else [])]
        return np.column_stack([*columns, self.polynomial])

    def _next(self, here: Match) -> Array:
        """Return the Gauss-Newton step."""
        return here.covariance @ (here.slopes.T @ here.spread.solve(here.residual))

    def _linear(self, shift: float, *, with_a: bool = True) -> Array:
        """Return the best other parameters at a shift, the noise of a passed over."""
        x, weight = self.points.x - shift, 1 / np.sqrt(self.own.variance)
        curve = basis(self.first.knots, x) @ self.first.values
        columns = [*([curve] if with_a else []), *([self.under.step(x)] if self.step else [])]
        design = np.column_stack([*columns, self.polynomial]) * weight[:, None]
        size = np.sqrt(np.sum(design**2, axis=0))
        size = np.where(size > 0, size, 1.0)
        found = np.linalg.lstsq(design / size, self.points.y * weight, rcond=1e-10)[0] / size
        return np.concatenate([found[:1], [shift], found[1:]] if with_a else [[0.0, shift], found])

    def without_a(self) -> Match:
        """Return b as a background alone: the best match where no positive scale serves."""
        return self.at(self._linear(0.0, with_a=False))

    def best(self) -> Match:
        """Return the best match, from the best of many shifts by Gauss-Newton steps; the scale may come out below 0.

        Raises
        ------
        NotDeterminedError
            Where the steps do not end.
        """
        apart = float(np.median(np.diff(self.first.knots[DEGREE:-DEGREE])))
        count = 2 * int(np.ceil(self.farthest / (COARSE * apart))) + 1
        tried = [self.at(self._linear(float(shift))) for shift in np.linspace(-self.farthest, self.farthest, count)]
        here = min(tried, key=lambda one: (one.values[0] <= 0, one.chi2))
        for _ in range(STEPS):
            change, length = self._next(here), 1.0
            unit = np.sqrt(np.clip(np.diag(here.covariance), 1e-300, None))
            while True:
                values = here.values + length * change
                values[1] = np.clip(values[1], -self.farthest, self.farthest)
                there = self.at(values)
                if there.chi2 <= here.chi2 + 1e-9 or length < 1e-3:
                    break
                length /= 2
            moved = float(np.max(np.abs(values - here.values) / unit))
            here = there if there.chi2 <= here.chi2 + 1e-9 else here
            if moved < SETTLED or length < 1e-3:
                return here
        raise NotDeterminedError(
            "scale, shift and background do not settle",
            where="compare",
            remedy="Take a smaller max_shift, background=0 or step=False",
        )
