"""What is minimised: Poisson deviance of counts, or squares over standard uncertainties."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from surfspec.errors import InputError
from surfspec.fitting.model import Parameter

Array = NDArray[np.float64]
#: Data and models: doubles, or long doubles where residuals of doubles would be nothing but rounding.
Precise = NDArray[Any]

STATISTICS = ("poisson", "given", "unknown")
#: Smallest expected count, relative to the mean of the data (or to one count).
FLOOR = 1e-9
#: Residuals and derivatives beyond this, or not numbers, stand at this: their squares still add up.
FAR = 1e100


class Problem(Protocol):
    """What can be fitted: parameters, a model and its exact derivatives.

    `evaluate` may return long doubles: with data that are long doubles too, the residuals are formed in them.
    """

    parameters: tuple[Parameter, ...]

    def evaluate(self, values: Array) -> Precise:
        """Return the model, shape (n,)."""
        ...

    def jacobian(self, values: Array) -> Array:
        """Return its derivatives by every parameter, shape (n, parameters)."""
        ...


def deviance_residuals(model: Precise, counts: Precise) -> tuple[Array, Array]:
    r"""Return signed Poisson deviance residuals and their derivative by the model.

    .. math:: r = \mathrm{sign}(m - d)\sqrt{2 (m - d + d \ln(d / m))}

    Parameters
    ----------
    model, counts
        Expected and observed counts, shape (n,).

    Returns
    -------
    residuals, slopes
        Shape (n,) each; sum(residuals**2) is the deviance.

    References
    ----------
    McCullagh and Nelder, Generalized Linear Models (1989), section 2.4.

    Examples
    --------
    >>> import numpy as np
    >>> r, _ = deviance_residuals(np.array([2.0]), np.array([0.0]))
    >>> float(r[0])
    2.0
    """
    m = np.maximum(model, count_floor(counts))
    u = (counts - m) / m
    small = np.abs(u) < 1e-3
    series = 1 - u / 3 + u**2 / 6 - u**3 / 10
    safe = np.where(small | (counts <= 0), 0.5, u)
    bracket = np.where(counts <= 0, 1.0, (1 + safe) * np.log1p(safe) - safe)
    ratio = np.where(small, series, 2 * bracket / np.where(small, 1.0, u) ** 2)
    root = np.sqrt(m * ratio)
    return _doubles(-u * root), _doubles(1.0 / root)


def _doubles(values: Precise) -> Array:
    return np.asarray(values, dtype=np.float64)


def count_floor(counts: Precise) -> float:
    """Return the smallest expected count that a model is taken to have."""
    return FLOOR * max(1.0, float(np.mean(counts)))


@dataclass(frozen=True)
class Objective:
    """Data with their statistics; `sigma` is one standard uncertainty of each point, or its weight.

    A residual is formed in the precision of `y` and of the model, and rounded to a double only then.
    """

    y: Precise
    statistics: str
    sigma: Array

    def residuals(self, model: Precise) -> tuple[Array, Array]:
        """Return residuals whose squares add up to the cost, and their derivative by the model."""
        if self.statistics == "poisson":
            return deviance_residuals(model, self.y)
        return self.difference(model) / self.sigma, 1.0 / self.sigma

    def difference(self, model: Precise) -> Array:
        """Return the model less the data, shape (n,)."""
        return _doubles(model - self.y)

    def rounding(self, model: Precise) -> float:
        """Return the relative rounding error of such a difference."""
        return float(max(np.finfo(model.dtype).eps, np.finfo(self.y.dtype).eps))

    def cost(self, model: Precise) -> float:
        """Return the deviance of a model (chi-square unless Poisson), inf where it is no number."""
        total = float(np.sum(bounded(self.residuals(model)[0]) ** 2))
        return total if np.all(np.isfinite(model)) else np.inf

    def weight(self, model: Precise) -> Array:
        """Return one over the expected standard deviation of each point, shape (n,)."""
        if self.statistics == "poisson":
            return _doubles(1.0 / np.sqrt(np.maximum(model, count_floor(self.y))))
        return 1.0 / self.sigma


def bounded(values: Array) -> Array:
    """Return `values` with all that is no number or beyond ``FAR`` put there."""
    return np.clip(np.nan_to_num(values, nan=FAR, posinf=FAR, neginf=-FAR), -FAR, FAR)


def objective(problem: Problem, y: Precise, statistics: str, sigma: Array | None) -> Objective:
    """Check the data and return what is to be minimised.

    Raises
    ------
    InputError
        For data that cannot be fitted at all: none, all zero, not finite, negative counts, uncertainties that
        are no positive numbers, or fewer points than parameters.
    """
    if statistics not in STATISTICS:
        raise InputError(f"unknown statistics {statistics!r}", remedy=f"Choose from {', '.join(STATISTICS)}")
    y = _numbers("intensities", y)
    sigma = None if sigma is None else _numbers("uncertainties", sigma)
    if not np.all(np.isfinite(y)):
        raise InputError("some intensities are not numbers", remedy="Repair or remove those points")
    if not y.size:
        raise InputError("there are no data", remedy="Check the file and the window: give one intensity for each point")
    if not np.any(y):
        raise InputError("every intensity is zero", remedy="Check the file, the region and the detector")
    if statistics == "poisson" and np.min(y) < 0:
        raise InputError(
            f"{int(np.sum(y < 0))} counts are negative, the lowest {np.min(y):g}",
            remedy="Give counts as measured, or pass sigma and statistics='given'",
        )
    count = sum(p.vary for p in problem.parameters)
    if y.size <= count:
        raise InputError(
            f"{y.size} points cannot determine {count} parameters",
            remedy="Widen the window, or fix or tie parameters",
        )
    return Objective(y, statistics, assumed_sigma(y, statistics, sigma))


def _numbers(what: str, given: Precise) -> Precise:
    """Return the numbers as they are, doubles or long doubles, in one row."""
    out = given
    if not (isinstance(given, np.ndarray) and given.dtype in (np.float64, np.longdouble)):
        if np.iscomplexobj(given):
            raise InputError(f"the {what} are complex numbers", remedy="Give their real part or their magnitude")
        try:
            out = np.array(given, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise InputError(f"the {what} are no numbers ({error})", remedy="Give one for each point") from error
    if out.ndim != 1:
        raise InputError(f"{what} of shape {out.shape}", remedy="Give one spectrum, or fit many with solve_batch")
    return out


def assumed_sigma(y: Precise, statistics: str, sigma: Array | None) -> Array:
    """Return one standard uncertainty of each point: as given, or from the smoothed intensity.

    Parameters
    ----------
    y, statistics, sigma
        As for :func:`surfspec.fitting.solver.solve`.

    Raises
    ------
    InputError
        For uncertainties that are missing, no positive numbers, or not one for each point.

    Examples
    --------
    >>> import numpy as np
    >>> assumed_sigma(np.full(5, 100.0), "poisson", None).tolist()
    [10.0, 10.0, 10.0, 10.0, 10.0]
    """
    if statistics == "given" and sigma is None:
        raise InputError("no uncertainties given", remedy="Pass sigma, or say statistics='unknown'")
    if statistics != "poisson" and sigma is not None:
        if sigma.shape != y.shape:
            raise InputError(
                f"{y.size} intensities and uncertainties of shape {sigma.shape}",
                remedy="Give one standard uncertainty for each point",
            )
        bad = ~(np.isfinite(sigma) & (sigma > 0))
        if np.any(bad):
            raise InputError(
                f"{int(np.sum(bad))} of {y.size} uncertainties are not positive numbers",
                remedy="Repair or remove those points, or say statistics='unknown'",
            )
        return sigma
    width = max(3, min(11, 2 * (y.size // 20) + 1))
    padded = np.pad(_doubles(y), width // 2, mode="edge")
    smooth = np.convolve(padded, np.ones(width) / width, mode="valid")
    if statistics == "poisson":
        return np.sqrt(np.maximum(smooth, 1.0))
    if np.min(y) < 0:
        return np.full(y.size, float(np.std(y)) or 1.0)
    return np.sqrt(np.maximum(smooth, 1e-3 * float(np.max(smooth))))
