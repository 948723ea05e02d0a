"""A film on a substrate in arrays: intensities of lines, and the film that explains them best."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, least_squares

Array = NDArray[np.float64]

#: Samples that a signal can come from.
SAMPLE, BARE, THICK = 0, 1, 2
#: What is fitted besides the errors of the inputs; ``gain`` is the logarithm of a common factor.
UNKNOWNS: Final = ("gain", "thickness", "coverage", "contamination")
#: Errors of the inputs that are common to several lines; ``sensitivity`` is one for each core level.
SHARED: Final = (
    "film_length",
    "substrate_length",
    "contamination_length",
    "density",
    "transmission_exponent",
    "bare_gain",
    "thick_gain",
)
#: Longest thickness that is tried, in the longest length of the film along the normal.
THICKEST: Final = 12.0
#: Ratio of eigenvalues of the scaled normal matrix below which a direction is not determined.
SINGULAR: Final = 1e-10


@dataclass(frozen=True)
class Signals:
    """n measured intensities, what each is made of, and how well the inputs are known.

    Attributes
    ----------
    intensity, covariance
        Rates and their covariance, shapes (n,) and (n, n).
    sample
        SAMPLE, BARE (the substrate alone) or THICK (the film alone), shape (n,).
    film, substrate, contamination
        Intensity of an infinitely thick layer of each, up to a common factor, shape (n,).
    film_length, contamination_length
        Length in the layer times the cosine of the emission angle, nm, shape (n,).
    level
        Number of the core level of each signal: one sensitivity factor each, shape (n,).
    slope
        Logarithm of the kinetic energy over its mean, shape (n,).
    sigma
        Standard uncertainties of the inputs, relative: some of :data:`SHARED`, and ``sensitivity``.
    """

    intensity: Array
    covariance: Array
    sample: NDArray[np.int64]
    film: Array
    substrate: Array
    contamination: Array
    film_length: Array
    contamination_length: Array
    level: NDArray[np.int64]
    slope: Array
    sigma: dict[str, float]

    def errors(self) -> list[tuple[str, int]]:
        """Return the errors of the inputs that are not zero: word and, for a sensitivity, the core level."""
        found: list[tuple[str, int]] = []
        for word, sigma in self.sigma.items():
            needed = {
                "contamination_length": bool(np.any(self.contamination > 0)),
                "bare_gain": bool(np.any(self.sample == BARE)),
                "thick_gain": bool(np.any(self.sample == THICK)),
            }.get(word, True)
            if sigma > 0 and needed:
                found += [(word, int(k)) for k in np.unique(self.level)] if word == "sensitivity" else [(word, -1)]
        return found

    def deepest(self) -> float:
        """Return the longest length of the film along the normal, nm."""
        return float(np.max(self.film_length))


@dataclass(frozen=True)
class Estimate:
    """The film that explains the signals best: values of :data:`UNKNOWNS`, then errors of the inputs in their units."""

    values: Array
    covariance: Array
    parts: dict[str, Array]
    chi2: float
    predicted: Array
    pulls: Array
    dof: int

    def of(self, unknown: str) -> tuple[float, float]:
        """Return value and standard uncertainty of an unknown."""
        i = UNKNOWNS.index(unknown)
        return float(self.values[i]), float(np.sqrt(self.covariance[i, i]))


def intensities(signals: Signals, values: Array, errors: list[tuple[str, int]], *, factors: bool = True) -> Array:
    r"""Return the intensities that a film makes.

    .. math:: I = g\,s\,\bigl\{\theta\,[F\,(1 - e^{-d/L}) + S\,e^{-d/L}] + (1 - \theta)\,S\bigr\}\,e^{-d_c/L_c}
              + g\,s\,C\,(1 - e^{-d_c/L_c})

    with F, S, C the intensities of infinitely thick film, substrate and contamination, L the length in the film times
    the cosine of the emission angle, thickness d, coverage :math:`\theta`.

    Parameters
    ----------
    signals
        n lines.
    values
        Logarithm of g, d (nm), coverage, d_c (nm), and the errors in units of their standard uncertainty.
    errors
        As ``signals.errors()`` returned it.
    factors
        Whether the errors of the sensitivity factors count.

    References
    ----------
    ISO 18115-1 (terms); Cumpson & Seah, Surf. Interface Anal. 25 (1997) 430 (overlayer equations).
    """
    log_gain, thickness, coverage, dirt = values[:4]
    shift = dict.fromkeys(SHARED, 0.0)
    scale = np.zeros(signals.intensity.size)
    for (word, level), z in zip(errors, values[4:], strict=True):
        if word == "sensitivity":
            scale += (z * signals.sigma[word]) * (signals.level == level) if factors else 0.0
        else:
            shift[word] = z * signals.sigma[word]
    film = signals.film * np.exp(shift["film_length"] + shift["density"])
    base = signals.substrate * np.exp(shift["substrate_length"])
    passed = np.exp(-thickness / (signals.film_length * np.exp(shift["film_length"])))
    clear = np.exp(-dirt / (signals.contamination_length * np.exp(shift["contamination_length"])))
    carbon = signals.contamination * np.exp(shift["contamination_length"])
    layered = coverage * (film * (1 - passed) + base * passed) + (1 - coverage) * base
    found = layered * clear + carbon * (1 - clear)
    found = np.where(signals.sample == BARE, base * np.exp(shift["bare_gain"]), found)
    found = np.where(signals.sample == THICK, film * np.exp(shift["thick_gain"]), found)
    return np.asarray(found * np.exp(log_gain + scale + shift["transmission_exponent"] * signals.slope))


def estimate(
    signals: Signals,
    *,
    patchy: bool = False,
    contaminated: bool = False,
    fixed: dict[str, float] | None = None,
    near: Array | None = None,
) -> Estimate:
    r"""Return thickness and coverage by weighted least squares, the errors of the inputs fitted beside them.

    .. math:: \chi^2 = (I - I_\mathrm{model})^T C^{-1} (I - I_\mathrm{model}) + \sum_k z_k^2

    An error common to several lines (the length in the film, say) is one :math:`z` of unit variance, so that its
    correlations are those of the model and nothing is linearised before the minimum is found. The covariance is
    :math:`(J^T J)^{-1}`; it splits into one part for each source exactly.

    Parameters
    ----------
    signals
        n lines.
    patchy
        Fit the coverage; else it is 1.
    contaminated
        Fit the thickness of the contamination; else it is 0.
    fixed
        Values of unknowns to keep, for profiles.
    near
        Values of another estimate to start from; by default several thicknesses and coverages are tried.
    """
    errors = signals.errors()
    held = {"coverage": 1.0} if not patchy else {}
    held |= {} if contaminated else {"contamination": 0.0}
    held |= fixed or {}
    free = [i for i, name in enumerate(UNKNOWNS) if name not in held] + [4 + k for k in range(len(errors))]
    lower = np.linalg.cholesky(signals.covariance)

    def whole(x: Array) -> Array:
        full = np.zeros(4 + len(errors))
        for name, value in held.items():
            full[UNKNOWNS.index(name)] = value
        full[free] = x
        return full

    def residuals(x: Array) -> Array:
        full = whole(x)
        gap = np.linalg.solve(lower, signals.intensity - intensities(signals, full, errors))
        return np.concatenate([gap, full[4:]])

    low, high = np.array([_limits(i, signals) for i in free]).T
    best = min(
        (least_squares(residuals, start[free], bounds=(low, high), x_scale="jac", xtol=1e-12, ftol=1e-12, gtol=1e-10)
         for start in (_starts(signals, held, errors) if near is None else (near,))),
        key=lambda found: found.cost,
    )  # fmt: skip
    values = whole(best.x)
    covariance, parts = _covariance(np.asarray(best.jac), free, errors, values.size, signals.intensity.size)
    return Estimate(
        values=values,
        covariance=covariance,
        parts=parts,
        chi2=2.0 * float(best.cost),
        predicted=intensities(signals, values, errors),
        pulls=_pulls(signals, values, errors),
        dof=signals.intensity.size - sum(i < 4 for i in free),
    )


def _limits(index: int, signals: Signals) -> tuple[float, float]:
    if index >= 4:
        return -8.0, 8.0
    longest = THICKEST * float(np.max(np.concatenate([signals.film_length, signals.contamination_length])))
    return {0: (-np.inf, np.inf), 1: (0.0, THICKEST * signals.deepest()), 2: (0.0, 1.0), 3: (0.0, longest)}[index]


def _starts(signals: Signals, held: dict[str, float], errors: list[tuple[str, int]]) -> Iterator[Array]:
    """Yield start values: thin and thick films, whole and partial coverage; the gain by the sum of all lines."""
    seen = float(np.sum(np.clip(signals.intensity, 0.0, None)))
    thick = (held["thickness"],) if "thickness" in held else tuple(signals.deepest() * x for x in (0.1, 0.7, 2.5))
    for d in thick:
        for c in (held["coverage"],) if "coverage" in held else (0.9, 0.4):
            start = np.zeros(4 + len(errors))
            start[1:4] = d, c, held.get("contamination", 0.3)
            made = float(np.sum(intensities(signals, start, errors)))
            start[0] = np.log(seen / made) if made > 0 else 0.0
            yield start


def _covariance(
    jac: Array, free: list[int], errors: list[tuple[str, int]], size: int, count: int
) -> tuple[Array, dict[str, Array]]:
    """Return the covariance of all values, 0 for what is kept, NaN for what is not determined, and its parts."""
    norm = np.linalg.norm(jac, axis=0)
    norm = np.where(norm > 0, norm, 1.0)
    scaled = jac / norm
    eigen, vectors = np.linalg.eigh(scaled.T @ scaled)
    good = eigen > SINGULAR * eigen[-1]
    inverse = (vectors[:, good] / eigen[good]) @ vectors[:, good].T
    lost = np.any(np.abs(vectors[:, ~good]) > 1e-3, axis=1)

    def placed(small: Array) -> Array:
        full = np.zeros((size, size))
        small = small / np.outer(norm, norm)
        small[lost, :] = np.nan
        small[:, lost] = np.nan
        full[np.ix_(free, free)] = small
        return full

    parts: dict[str, Array] = {}
    for word, rows in _rows(errors, count):
        block = scaled[rows]
        parts[word] = parts.get(word, np.zeros((size, size))) + placed(inverse @ block.T @ block @ inverse)
    return placed(inverse), parts


def _rows(errors: list[tuple[str, int]], count: int) -> Iterator[tuple[str, list[int]]]:
    yield "area", list(range(count))
    for k, (word, _) in enumerate(errors):
        yield word, [count + k]


def _pulls(signals: Signals, values: Array, errors: list[tuple[str, int]]) -> Array:
    """Return how far each line lies from the model in units of its own uncertainty: counting and its factor."""
    model = intensities(signals, values, errors, factors=False)
    own = np.diag(signals.covariance) + (signals.sigma.get("sensitivity", 0.0) * model) ** 2
    return np.asarray((signals.intensity - model) / np.sqrt(own))


def profile_limits(
    signals: Signals, best: Estimate, rise: float, *, patchy: bool, contaminated: bool
) -> tuple[float, float]:
    """Return the thicknesses at which the chi-square rises by `rise`; NaN where it does not up to 0 or the thickest.

    Parameters
    ----------
    signals, patchy, contaminated
        As for :func:`estimate`.
    best
        What it returned.
    rise
        2.71 for limits of 95 %, one-sided.
    """

    def excess(thickness: float) -> float:
        kept = estimate(
            signals, patchy=patchy, contaminated=contaminated, fixed={"thickness": thickness}, near=best.values
        )
        return kept.chi2 - best.chi2 - rise

    middle = best.of("thickness")[0]
    top = THICKEST * signals.deepest()
    low = brentq(excess, 0.0, middle, xtol=1e-4) if middle > 0 and excess(0.0) > 0 else np.nan
    high = brentq(excess, middle, top, xtol=1e-4) if middle < top and excess(top) > 0 else np.nan
    return float(low), float(high)


def coverage_curve(signals: Signals, coverages: Array, *, contaminated: bool) -> tuple[Array, Array]:
    """Return the best thickness at each coverage (NaN where it runs away), and the chi-square there."""
    kept: list[Estimate] = []
    for c in coverages[::-1]:  # from the whole film down, each from where the one before ended
        near = kept[-1].values if kept else None
        kept.append(estimate(signals, patchy=True, contaminated=contaminated, fixed={"coverage": float(c)}, near=near))
    kept.reverse()
    thickness = np.array([one.of("thickness")[0] for one in kept])
    runaway = thickness > 0.99 * THICKEST * signals.deepest()
    return np.where(runaway, np.nan, thickness), np.array([one.chi2 for one in kept])
