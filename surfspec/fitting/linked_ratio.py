r"""Whether the data allow what is linked: the likelihood ratio of the joint fit to the members' own fits.

Where nothing but the noise of the points counts, the rise of the deviance R is distributed as chi-square with as many
degrees of freedom k as links take away (Wilks). The ends of a background are known from the same data only so well, and
move parameters by more than that noise; then

.. math:: E[R] = \mathrm{tr}\big[(1 - P)\,W (C_0 + N) W^T\big] = k\,\bar\delta, \qquad W C_0 W^T = 1

with the covariance :math:`C_0` of the linked parameters in their own fits from the points alone, the share N of the
nuisances, and the projection P on what the common parameters can move. :math:`R / \bar\delta` is compared with
chi-square.

References
----------
Wilks, Ann. Math. Stat. 9 (1938) 60; Rao and Scott, Ann. Stat. 12 (1984) 46, first-order correction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from surfspec.fitting.linked_covariance import JointCovariance
from surfspec.fitting.linked_data import LinkedMember
from surfspec.fitting.linked_map import Array
from surfspec.fitting.residual_tests import chi2_probability
from surfspec.fitting.solver import Solution
from surfspec.fitting.verdict import IMPROBABLE

#: Eigenvalues of a correlation matrix below this are no information.
NULL = 1e-10


@dataclass(frozen=True)
class Ratio:
    """The likelihood ratio of a joint fit.

    Attributes
    ----------
    rise
        Of the deviance over that of the own fits, in units of the scale of the variance.
    constraints
        Parameters that the links take away.
    inflation
        Mean of the rise per constraint where the links are true; above 1 by the nuisances.
    probability
        Chance of such a rise; NaN without constraints.
    """

    rise: float
    constraints: int
    inflation: float
    probability: float

    def reasons(self) -> tuple[str, ...]:
        """Return the reason against the links, if there is one.

        Examples
        --------
        >>> Ratio(3.0, 2, 1.0, 0.22).reasons()
        ()
        """
        if not self.probability < IMPROBABLE:
            return ()
        count = f"{self.constraints} constraint{'s' if self.constraints > 1 else ''}"
        text = f"sharing improbable: deviance +{self.rise:.4g} for {count}"
        return (f"{text}, probability {self.probability:.1g}",)


def likelihood_ratio(
    members: Sequence[LinkedMember],
    alone: Sequence[Solution],
    bare: Sequence[Array],
    joint: JointCovariance,
    deviance: float,
) -> Ratio:
    """Return the likelihood ratio of a joint fit.

    Parameters
    ----------
    members, alone
        The members, and their own fits.
    bare
        Covariance of each own fit from the points alone, shape (p, p).
    joint
        The joint fit.
    deviance
        Of the joint fit.
    """
    constraints = _constraints(members, joint)
    rise = (deviance - sum(fit.deviance for fit in alone)) / (joint.scale if joint.scale > 0 else 1.0)
    inflation = _inflation(members, alone, bare, joint)
    probability = float("nan")
    if constraints >= 1:
        probability = float(chi2_probability(rise / inflation, constraints)) if rise > 0 else 1.0
    return Ratio(rise, constraints, inflation, probability)


def _constraints(members: Sequence[LinkedMember], joint: JointCovariance) -> int:
    """Return how many parameters the links take away from the members' own fits; priors of common ones are data."""
    alive = 0
    for number, one in enumerate(members):
        slopes = joint.states[number].slopes
        follows = ~np.any(slopes != 0, axis=1) | np.any(slopes[:, joint.common_active] != 0, axis=1)
        alive += int(np.sum(one.free() & ~one.links.owned & follows))
    known = sum(one.prior is not None and one.vary for one in joint.problem.parameters)
    return alive + known - int(np.sum(joint.common_active))


def _inflation(
    members: Sequence[LinkedMember], alone: Sequence[Solution], bare: Sequence[Array], joint: JointCovariance
) -> float:
    """Return the mean of the rise per constraint, at least 1."""
    shares, moved, size = 0.0, [], 0
    parts: list[Array] = []
    for number, (one, fit, points) in enumerate(zip(members, alone, bare, strict=True)):
        unc = np.sqrt(np.diag(points))
        rows = np.flatnonzero(~one.links.owned & (unc > 0) & np.isfinite(fit.uncertainties))
        root = whitening(points[np.ix_(rows, rows)])
        extra = root @ (fit.covariance - points)[np.ix_(rows, rows)] @ root.T
        shares += float(np.trace(extra))
        parts.append(extra)
        moved.append(root @ joint.states[number].slopes[rows][:, joint.common_active])
        size += root.shape[0]
    columns = np.concatenate(moved) if moved else np.zeros((0, 0))
    length = np.sqrt(np.sum(columns**2, axis=0))
    left, singular, _ = np.linalg.svd(columns[:, length > 0] / length[length > 0], full_matrices=False)
    basis = left[:, singular > NULL]
    free = size - basis.shape[1]
    if free < 1:
        return 1.0
    ends = np.cumsum([part.shape[0] for part in parts])[:-1]
    inside = sum(float(np.sum((q @ p) * q)) for p, q in zip(parts, (b.T for b in np.split(basis, ends)), strict=True))
    return float(max(1.0, 1.0 + (shares - inside) / free))


def whitening(covariance: Array) -> Array:
    """Return W with ``W C W^T = 1`` over the directions that a covariance knows.

    Parameters
    ----------
    covariance
        Shape (p, p), of determined parameters.

    Returns
    -------
    numpy.ndarray
        Shape (r, p) with the rank r.

    Examples
    --------
    >>> import numpy as np
    >>> c = np.array([[4.0, 1.0], [1.0, 2.0]])
    >>> w = whitening(c)
    >>> np.allclose(w @ c @ w.T, np.eye(2))
    True
    """
    unc = np.sqrt(np.diag(covariance))
    if not unc.size:
        return np.zeros((0, 0))
    values, axes = np.linalg.eigh(covariance / np.outer(unc, unc))
    good = values > NULL
    out: Array = (axes[:, good].T / np.sqrt(values[good])[:, None]) / unc
    return out
