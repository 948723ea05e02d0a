"""The verdict on a fit: ``ok``, ``check`` or ``failed``, with reasons from a closed list.

The optimiser's own success flag is no ground for any of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from surfspec.errors import InputError, NotDeterminedError
from surfspec.fitting.residual_tests import (
    NOT_NORMAL,
    autocorrelation_score,
    chi2_probability,
    normal_residuals,
    normality_score,
    runs_score,
)
from surfspec.fitting.solver import Solution

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Judgement = tuple[str, tuple[str, ...]]

#: Every reason a verdict can give, and the verdict it leads to at least.
REASONS: Final[dict[str, str]] = {
    "not fitted": "failed",
    "not converged": "failed",
    "not finite": "failed",
    "refused": "failed",
    "width exceeds window": "failed",
    "no peak detected": "failed",
    "not determined": "failed",
    "not resolved": "check",
    "correlated": "check",
    "at bound": "check",
    "below detection": "check",
    "start dependent": "check",
    "sharing improbable": "check",
    "prior contradicted": "check",
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


@dataclass(frozen=True)
class Evidence:
    """What a verdict rests on, one row for each of m solutions with p parameters and n points.

    Attributes
    ----------
    names
        Parameters, length p.
    uncertainties, covariance
        Shapes (m, p) and (m, p, p).
    pulls
        Residuals over their expected standard deviation, shape (m, n).
    normal
        The same as normal variables, as far as the statistics let them be: see
        :func:`~surfspec.fitting.residual_tests.normal_residuals`; shape (m, n).
    finite
        Whether the fitted model is made of numbers, shape (m,).
    converged, start_dependent
        Shape (m,).
    at_bound, undetermined, insignificant
        Shape (m, p).
    chi2, deviance, dof
        Shape (m,).
    statistics
        ``poisson``, ``given`` or ``unknown``.
    replaceable
        Amplitudes that the data do not need, with the rise of the deviance without each; one tuple a solution.
    """

    names: tuple[str, ...]
    uncertainties: Array
    covariance: Array
    pulls: Array
    normal: Array
    finite: Mask
    converged: Mask
    start_dependent: Mask
    at_bound: Mask
    undetermined: Mask
    insignificant: Mask
    chi2: Array
    deviance: Array
    dof: NDArray[np.int64]
    statistics: str
    replaceable: Sequence[tuple[tuple[str, float], ...]]

    @classmethod
    def of(cls, solution: Solution) -> Evidence:
        """Return that of one solution."""
        names = solution.names

        def named(some: Collection[str]) -> Mask:
            return np.array([[name in some for name in names]], dtype=bool).reshape(1, len(names))

        return cls(
            names=names,
            uncertainties=solution.uncertainties[None],
            covariance=solution.covariance[None],
            pulls=solution.pulls[None],
            normal=normal_residuals(solution.pulls, solution.fitted, solution.statistics)[None],
            finite=np.array([np.all(np.isfinite(solution.fitted))]),
            converged=np.array([solution.converged]),
            start_dependent=np.array([solution.start_dependent]),
            at_bound=named(solution.at_bound),
            undetermined=named(solution.undetermined),
            insignificant=named(solution.insignificant),
            chi2=np.array([solution.chi2]),
            deviance=np.array([solution.deviance]),
            dof=np.array([solution.dof]),
            statistics=solution.statistics,
            replaceable=[solution.replaceable],
        )


def judge(
    solution: Solution,
    *,
    reported: Collection[str] = (),
    extra: Collection[str] = (),
) -> Judgement:
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
    names = set(reported) or set(solution.names)
    mask = np.array([[name in names for name in solution.names]], dtype=bool).reshape(1, len(solution.names))
    evidence = Evidence.of(solution)
    if solution.unsettled:
        evidence = replace(evidence, start_dependent=np.array([any(name in names for name in solution.unsettled)]))
    return judge_evidence(evidence, mask, [extra])[0]


def judge_evidence(evidence: Evidence, reported: Mask, extra: Sequence[Collection[str]]) -> list[Judgement]:
    """Judge every row of the evidence.

    Parameters
    ----------
    evidence
        Of m solutions.
    reported
        Parameters whose values are reported, shape (m, p).
    extra
        For each solution the reasons found elsewhere.

    Returns
    -------
    list
        Verdict and reasons of each.
    """
    reasons = [list(some) for some in extra]

    def add(rows: Mask, text: Callable[[int], str]) -> None:
        for i in np.flatnonzero(rows).tolist():
            reasons[i].append(text(i))

    def add_names(which: Mask, reason: str) -> None:
        """Add a reason with the names of the parameters for which it holds."""
        names = evidence.names
        add(
            np.any(which, axis=1),
            lambda i: f"{reason}: {', '.join(names[j] for j in np.flatnonzero(which[i]).tolist())}",
        )

    add(~evidence.finite, lambda _: "not finite")
    add(~evidence.converged, lambda _: "not converged")
    add_names(evidence.undetermined & reported, "not determined")
    add_names(evidence.insignificant & reported, "below detection")
    for i, text in (*_unresolved(evidence, reported), *_correlated(evidence, reported)):
        reasons[i].append(text)
    add_names(evidence.at_bound, "at bound")
    add(evidence.start_dependent, lambda _: "start dependent")
    _goodness(evidence, add)
    _structure(evidence, add)
    unique = [tuple(dict.fromkeys(some)) for some in reasons]
    return [(verdict_of(some), some) if some else ("ok", ()) for some in unique]


def _unresolved(evidence: Evidence, reported: Mask) -> Iterator[tuple[int, str]]:
    """Yield the row and the text of every solution with amplitudes that the data do not need."""
    for i, some in enumerate(evidence.replaceable):
        names = {name for name, told in zip(evidence.names, reported[i], strict=True) if told}
        faint = set(np.array(evidence.names)[evidence.insignificant[i]].tolist())
        texts = [f"{name} (deviance +{rise:.3g} without it)" for name, rise in some if name in names - faint]
        if texts:
            yield i, f"not resolved: {', '.join(texts)}"


def _correlated(evidence: Evidence, reported: Mask) -> list[tuple[int, str]]:
    """Return the row and the text of every pair of reported parameters without separate meanings."""
    unc, names = evidence.uncertainties, evidence.names
    keep = reported & np.isfinite(unc) & (unc > 0)
    per = np.where(keep, unc, 1.0)
    with np.errstate(invalid="ignore", over="ignore"):
        value = evidence.covariance / (per[:, :, None] * per[:, None, :])
    pair = keep[:, :, None] & keep[:, None, :] & np.triu(np.ones((len(names), len(names)), dtype=bool), 1)
    where = np.argwhere(pair & (np.abs(value) > CORRELATED))
    return [(i, f"correlated: {names[a]} and {names[b]} ({value[i, a, b]:+.2f})") for i, a, b in where.tolist()]


def _goodness(evidence: Evidence, add: Callable[[Mask, Callable[[int], str]], None]) -> None:
    """Add what the chi-square says."""
    if evidence.statistics == "unknown":
        everywhere = np.ones(evidence.dof.size, dtype=bool)
        add(everywhere, lambda _: "statistics unknown: uncertainties rest on the scatter of the residuals")
        return
    reduced = evidence.deviance / evidence.dof
    probability = chi2_probability(evidence.deviance, evidence.dof)
    pearson = evidence.chi2 / evidence.dof  # its mean is 1 also at few counts, that of the deviance is not
    quiet = 1.0 - chi2_probability(evidence.chi2, evidence.dof) < IMPROBABLE
    add(
        quiet & (pearson < SUSPICIOUS_REDUCED_CHI2),
        lambda i: f"chi-square improbable: reduced {pearson[i]:.2f}, the data scatter less than their statistics allow",
    )
    add(
        (probability < IMPROBABLE) & (reduced > TOLERATED_REDUCED_CHI2),
        lambda i: f"chi-square improbable: reduced {reduced[i]:.2f}, probability {probability[i]:.1g}",
    )


def _structure(evidence: Evidence, add: Callable[[Mask, Callable[[int], str]], None]) -> None:
    """Add what the order of the residuals and their distribution say."""
    pulls = evidence.pulls
    score = np.maximum(runs_score(pulls), autocorrelation_score(pulls))
    add(
        score > STRUCTURE_SCORE,
        lambda i: f"residual structure: score {score[i]:.1f}, chance {ndtr(-score[i]):.1g}",
    )
    odd = normality_score(evidence.normal)
    add(
        (odd > NOT_NORMAL) & ~(score > STRUCTURE_SCORE),
        lambda i: (
            f"residual structure: not normal, score {odd[i]:.1f}, "
            f"largest pull {pulls[i][np.argmax(np.abs(pulls[i]))]:+.1f}"
        ),
    )


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
