"""What speaks against a calibration: parameters on their limits, peaks that contradict each other, no check at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from surfspec.fitting.residual_tests import chi2_probability
from surfspec.fitting.verdict import IMPROBABLE

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

#: Correlation from which two free parameters are called degenerate.
DEGENERATE: Final = 0.999
#: Redundancy below which no peak checks the answer.
UNCHECKED: Final = 0.1
#: Distance from a limit, over the scale of the parameter, that counts as lying on it.
ON_LIMIT: Final = 1e-6
#: Distance from what was known beforehand, over its standard uncertainty, that contradicts it.
CONTRADICTED: Final = 3.0


def degeneracy(names: Sequence[str], covariance: Array, free: Mask, redundancy: Array) -> str:
    """Say why the parameters are not told apart, or return an empty text.

    Parameters
    ----------
    names
        Of all parameters, length p.
    covariance
        Shape (p, p), 0 for what is not free.
    free
        Shape (p,).
    redundancy
        Of each peak, 1.
    """
    unc = np.sqrt(np.diag(covariance))
    positive = np.flatnonzero(unc > 0)
    correlation = covariance[np.ix_(positive, positive)] / np.outer(unc[positive], unc[positive])
    off = np.abs(np.triu(correlation, 1))
    if off.size and off.max() > DEGENERATE:
        i, j = np.unravel_index(int(np.argmax(off)), off.shape)
        a, b = names[positive[i]], names[positive[j]]
        return f"{a} and {b} cannot be told apart (correlation {correlation[i, j]:.5f})"
    if redundancy.max() < UNCHECKED:
        return (
            f"{redundancy.size} peaks for {np.count_nonzero(free)} parameters: every residual vanishes whatever the "
            "peaks are, so that nothing checks the answer; measure one more element, or give a prior"
        )
    return ""


def doubts(
    names: Sequence[str],
    *,
    at_limit: Mask,
    pulls: Array,
    chi2: float,
    dof: int,
    degenerate: str,
) -> tuple[str, ...]:
    """Return reasons of the closed list (:data:`surfspec.fitting.verdict.REASONS`) against a calibration.

    Parameters
    ----------
    names
        Of all parameters, length p.
    at_limit
        Whether a parameter lies on the limit of the search, shape (p,).
    pulls
        What the peaks alone say less what was known beforehand, over the standard uncertainty of both, NaN without a
        prior, shape (p,).
    chi2, dof
        Of peaks and priors, and their number less that of free parameters.
    degenerate
        What :func:`degeneracy` says.

    Examples
    --------
    >>> doubts(("energy", "angle"), at_limit=np.array([False, True]), pulls=np.full(2, np.nan),
    ...        chi2=300.0, dof=1, degenerate="")
    ('at bound: angle', 'chi-square improbable: reduced 300, probability 3e-67')
    """
    reasons = []
    if np.any(at_limit):
        reasons.append(f"at bound: {', '.join(np.array(names)[at_limit].tolist())}")
    if dof > 0 and (probability := float(chi2_probability(chi2, dof))) < IMPROBABLE:
        chance = f"probability {probability:.1g}" if probability > 0 else "probability below 1e-300"
        reasons.append(f"chi-square improbable: reduced {chi2 / dof:.3g}, {chance}")
    far = np.nan_to_num(np.abs(pulls)) >= CONTRADICTED
    if np.any(far):
        told = (f"{names[i]} ({pulls[i]:+.1f})" for i in np.flatnonzero(far).tolist())
        reasons.append(f"prior contradicted: {', '.join(told)}")
    if degenerate:
        reasons.append(f"ambiguous: {degenerate.split('; ', maxsplit=1)[0]}")
    return tuple(reasons)
