"""The verdict on a fit: ``ok``, ``check`` or ``failed``, with reasons from a closed list.

The optimiser's own success flag is no ground for any of them.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincc
from scipy.stats import norm

from surfspec.errors import InputError, NotDeterminedError
from surfspec.fitting.solver import Solution

Array = NDArray[np.float64]

#: Every reason a verdict can give, and the verdict it leads to at least.
REASONS: Final[dict[str, str]] = {
    "not converged": "failed",
    "not finite": "failed",
    "refused": "failed",
    "width exceeds window": "failed",
    "no peak detected": "failed",
    "not determined": "failed",
    "correlated": "check",
    "at bound": "check",
    "below detection": "check",
    "start dependent": "check",
    "chi-square improbable": "check",
    "residual structure": "check",
    "background not converged": "check",
    "background improper": "check",
    "statistics unknown": "check",
    "model inadequate": "check",
    "energy scale": "check",
    "unknown phase likely": "check",
    "ambiguous": "check",
    "no phase": "check",
}

#: Correlation from which two reported parameters no longer have separate meanings.
CORRELATED = 0.95
#: Reduced chi-square below which a small probability is still called acceptable: percent-level
#: model error at high counts is the rule with real spectra, and is reported as such only above it.
TOLERATED_REDUCED_CHI2 = 1.35
#: Reduced chi-square below which improbably quiet data are named: averaged or smoothed, or no counts at all.
SUSPICIOUS_REDUCED_CHI2 = 0.6
#: Probability under the model below which the chi-square counts as improbable.
IMPROBABLE = 1e-4
#: Standard scores of the runs and autocorrelation tests that count as structure.
STRUCTURE_SCORE = 4.0


def worst(verdicts: Collection[str]) -> str:
    """Return the worst of several verdicts, ``ok`` for none.

    Examples
    --------
    >>> worst(["ok", "failed", "check"])
    'failed'
    """
    order = ("failed", "check", "ok")
    return next((name for name in order if name in verdicts), "ok")


def verdict_of(reasons: Collection[str]) -> str:
    """Return the verdict that a list of reasons leads to.

    Each reason is ``"<reason>"`` or ``"<reason>: <detail>"`` with a reason of :data:`REASONS`.

    Raises
    ------
    InputError
        For a reason that is not on the list.
    """
    verdicts = []
    for reason in reasons:
        key = reason.split(":")[0]
        if key not in REASONS:
            raise InputError(f"unknown reason {key!r}", remedy=f"Reasons are {', '.join(REASONS)}")
        verdicts.append(REASONS[key])
    return worst(verdicts)


def chi2_probability(deviance: float, dof: int) -> float:
    """Return the probability of a deviance at least this large under the model.

    Examples
    --------
    >>> round(chi2_probability(10.0, 10), 2)
    0.44
    """
    return float(gammaincc(dof / 2, deviance / 2))


def runs_score(residuals: Array) -> float:
    """Return the standard score of too few runs of equal sign (Wald and Wolfowitz, 1940).

    Parameters
    ----------
    residuals
        In the order of the axis, shape (n,).
    """
    signs = np.sign(residuals)
    signs = signs[signs != 0]
    plus, minus = int(np.sum(signs > 0)), int(np.sum(signs < 0))
    total = plus + minus
    if plus < 5 or minus < 5:
        return 0.0
    runs = 1 + int(np.sum(signs[1:] != signs[:-1]))
    mean = 1 + 2 * plus * minus / total
    variance = (mean - 1) * (mean - 2) / (total - 1)
    return float((mean - runs) / np.sqrt(variance))


def autocorrelation_score(residuals: Array) -> float:
    """Return the standard score of the lag-one autocorrelation, variance 1/n under independence.

    Parameters
    ----------
    residuals
        In the order of the axis, shape (n,).
    """
    if residuals.size < 10 or not np.all(np.abs(residuals) < 1e100):
        return 0.0
    r = residuals - np.mean(residuals)
    total = float(np.sum(r**2))
    if total <= 0:
        return 0.0
    return float(np.sum(r[1:] * r[:-1]) / total * np.sqrt(r.size))


def judge(
    solution: Solution,
    *,
    reported: Collection[str] = (),
    extra: Collection[str] = (),
) -> tuple[str, tuple[str, ...]]:
    """Judge a solution.

    Parameters
    ----------
    solution
        What the solver returned.
    reported
        Names of the parameters whose values are reported; correlations among the others do not count.
        All parameters when empty.
    extra
        Reasons found elsewhere (a background that did not converge, a component not detected).

    Returns
    -------
    verdict, reasons
        ``"ok"``, ``"check"`` or ``"failed"``; and why.

    References
    ----------
    Wald and Wolfowitz, Ann. Math. Stat. 11 (1940) 147 for the runs test.
    """
    reasons = list(extra)
    names = set(reported) or set(solution.names)
    if not np.all(np.isfinite(solution.fitted)):
        reasons.append("not finite")
    if not solution.converged:
        reasons.append("not converged")
    lost = [name for name in solution.undetermined if name in names]
    if lost:
        reasons.append(f"not determined: {', '.join(lost)}")
    faint = [name for name in solution.insignificant if name in names]
    if faint:
        reasons.append(f"below detection: {', '.join(faint)}")
    for one, two, value in _correlated(solution, names):
        reasons.append(f"correlated: {one} and {two} ({value:+.2f})")
    if solution.at_bound:
        reasons.append(f"at bound: {', '.join(solution.at_bound)}")
    if solution.start_dependent:
        reasons.append("start dependent")
    reasons += _goodness(solution)
    unique = tuple(dict.fromkeys(reasons))
    return verdict_of(unique), unique


def _correlated(solution: Solution, names: Collection[str]) -> list[tuple[str, str, float]]:
    keep = [
        i
        for i, name in enumerate(solution.names)
        if name in names and np.isfinite(solution.uncertainties[i]) and solution.uncertainties[i] > 0
    ]
    found = []
    for a, i in enumerate(keep):
        for j in keep[a + 1 :]:
            unit = solution.uncertainties[i] * solution.uncertainties[j]
            value = float(solution.covariance[i, j] / unit)
            if abs(value) > CORRELATED:
                found.append((solution.names[i], solution.names[j], value))
    return found


def _goodness(solution: Solution) -> list[str]:
    reasons = []
    if solution.statistics == "unknown":
        reasons.append("statistics unknown: uncertainties rest on the scatter of the residuals")
    else:
        reduced = solution.deviance / solution.dof
        probability = chi2_probability(solution.deviance, solution.dof)
        pearson = solution.chi2 / solution.dof  # its mean is 1 also at few counts, that of the deviance is not
        quiet = 1.0 - chi2_probability(solution.chi2, solution.dof) < IMPROBABLE
        if quiet and pearson < SUSPICIOUS_REDUCED_CHI2:
            reasons.append(
                f"chi-square improbable: reduced {pearson:.2f}, the data scatter less than their statistics allow"
            )
        if probability < IMPROBABLE and reduced > TOLERATED_REDUCED_CHI2:
            reasons.append(f"chi-square improbable: reduced {reduced:.2f}, probability {probability:.1g}")
    scores = (runs_score(solution.pulls), autocorrelation_score(solution.pulls))
    if max(scores) > STRUCTURE_SCORE:
        chance = float(norm.sf(max(scores)))
        reasons.append(f"residual structure: score {max(scores):.1f}, chance {chance:.1g}")
    return reasons


def require(verdict: str, reasons: str, *, what: str, force: bool = False) -> None:
    """Raise where a failed fit is about to be used.

    Raises
    ------
    NotDeterminedError
        When the verdict is ``failed`` and `force` is not set.
    """
    if verdict == "failed" and not force:
        raise NotDeterminedError(
            f"{what} rests on a failed fit ({reasons})",
            remedy="Mend the recipe or the data, or pass force=True and answer for it",
        )
