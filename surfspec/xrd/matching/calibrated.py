r"""From the log-odds of a model to the frequency with which it is right: a map fitted on simulated mixtures.

A model that leaves out texture, coarse grains and phases that nobody has listed is too sure of itself. On mixtures of
known content the outcome y of each claim is seen, and

.. math:: P(y = 1 \mid L) = \left[1 + e^{-(a + b L)}\right]^{-1}

is fitted to the log-odds L by maximum posterior likelihood, with a normal prior about the map that changes nothing
(a = 0, b = 1). This is the scaling of Platt (1999) with a prior. A slope below 1 says that the model was overconfident.
The uncertainty of a and b pulls each probability towards one half (MacKay (1992) Neural Comput. 4, 720, eq. 5.1):

.. math:: P = \left[1 + e^{-\kappa\,(a + b L)}\right]^{-1},\quad
          \kappa = \left(1 + \tfrac{\pi}{8}\,\mathrm{var}(a + b L)\right)^{-1/2}
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from surfspec import reference, schema
from surfspec.errors import InputError

Array = NDArray[np.float64]

#: Standard deviations of the prior of a about 0 and of b about 1.
PRIOR = (1.5, 0.5)
#: Log-odds beyond this say no more: no benchmark of some thousand claims can tell.
LARGEST = 8.0
#: Newton steps of the fit.
STEPS = 60
#: Bins of the reliability table.
BINS = 10


@dataclass(frozen=True)
class Calibration:
    """A map of log-odds.

    Attributes
    ----------
    intercept, slope
        a and b.
    covariance
        Variance of a, covariance, variance of b.
    claims
        Number of claims that it was fitted on.
    """

    intercept: float
    slope: float
    covariance: tuple[float, float, float] = (0.0, 0.0, 0.0)
    claims: int = 0

    def probability(self, log_odds: ArrayLike) -> Array:
        """Calibrate log-odds of any shape.

        Examples
        --------
        >>> Calibration(0.0, 1.0).probability([0.0, 2.0]).round(3).tolist()
        [0.5, 0.881]
        """
        value = np.clip(np.asarray(log_odds, dtype=np.float64), -LARGEST, LARGEST)
        first, mixed, second = self.covariance
        variance = first + 2.0 * mixed * value + second * value**2
        shrink = 1.0 / np.sqrt(1.0 + np.pi / 8.0 * np.maximum(variance, 0.0))
        return np.asarray(1.0 / (1.0 + np.exp(-shrink * (self.intercept + self.slope * value))))


def fit(log_odds: ArrayLike, outcome: ArrayLike, *, weight: ArrayLike | None = None) -> Calibration:
    r"""Fit the map to claims whose outcome is known.

    Newton's method on the penalised log-likelihood, which is concave.

    Parameters
    ----------
    log_odds
        L of each claim, shape (n,).
    outcome
        1 where the claim was true, 0 where not, shape (n,).
    weight
        Weights of the claims, shape (n,); below 1 where several claims come from one sample.

    Returns
    -------
    Calibration
        With the inverse of the Hessian as covariance.

    Raises
    ------
    InputError
        For no claims, other shapes, outcomes other than 0 and 1, or numbers that are not finite.

    References
    ----------
    Platt (1999) in: Advances in Large Margin Classifiers, MIT Press, 61.

    Examples
    --------
    >>> found = fit([-3.0, -1.0, 1.0, 3.0], [0, 0, 1, 1])
    >>> bool(found.slope > 1)
    True
    """
    value = np.clip(np.asarray(log_odds, dtype=np.float64), -LARGEST, LARGEST)
    seen = np.asarray(outcome, dtype=np.float64)
    share = np.ones_like(value) if weight is None else np.asarray(weight, dtype=np.float64)
    if value.ndim != 1 or not value.size or seen.shape != value.shape or share.shape != value.shape:
        raise InputError("log-odds and outcomes are no two lists of one length", where="fit", remedy="Give one each")
    if not (np.all(np.isfinite(value)) and np.all(np.isfinite(share)) and np.all((seen == 0) | (seen == 1))):
        raise InputError("a claim is neither true nor false", where="fit", remedy="Leave out claims that nobody knows")
    design = np.stack([np.ones_like(value), value], axis=1)
    prior, stiffness = np.array([0.0, 1.0]), np.diag(np.array(PRIOR) ** -2.0)
    found = prior.copy()
    for _ in range(STEPS):
        p = 1.0 / (1.0 + np.exp(-(design @ found)))
        gradient = design.T @ (share * (seen - p)) - stiffness @ (found - prior)
        hessian = (design * (share * p * (1.0 - p))[:, None]).T @ design + stiffness
        step = np.linalg.solve(hessian, gradient)
        # the curvature fades far from the optimum: steps are kept short
        found = found + step * min(1.0, 2.0 / float(np.max(np.abs(step)) + 1e-300))
        if np.max(np.abs(step)) < 1e-10:
            break
    inverse = np.linalg.inv(hessian)
    return Calibration(
        float(found[0]), float(found[1]), (float(inverse[0, 0]), float(inverse[0, 1]), float(inverse[1, 1])),
        int(value.size),
    )  # fmt: skip


@functools.lru_cache(maxsize=1)
def shipped() -> Mapping[str, Calibration]:
    """Return the maps that come with the package, by question.

    ``named``: is a phase that the match names there? ``candidate``: is one there that was considered and left out?
    ``unknown``: is there a phase that is not in the list?

    Their table says on which simulated mixtures, with which state of the identification, they were fitted.

    Examples
    --------
    >>> sorted(shipped())
    ['candidate', 'named', 'unknown']
    """
    return MappingProxyType(
        {
            str(row["question"]): Calibration(
                row["intercept"],
                row["slope"],
                (row["var_intercept"], row["covariance"], row["var_slope"]),
                int(row["claims"]),
            )
            for row in reference.table("xrd_calibration").rows()
        }
    )


def reliability(state: str = "mapped") -> xr.Dataset:
    """Return how often claims of a stated probability were true, on simulated mixtures that nothing was fitted on.

    Parameters
    ----------
    state
        ``"raw"`` for the probabilities of the model, ``"mapped"`` for those after the shipped map.

    Returns
    -------
    xarray.Dataset
        Kind ``table`` over ``set`` ("blind: named", ...) and ``bin`` (tenths): ``probability`` (1, mean stated),
        ``frequency`` (1, share that was true) with ``frequency_unc``, ``count``; simulated. For
        :func:`surfspec.display.plot_reliability`.

    Raises
    ------
    InputError
        For another state.

    Examples
    --------
    >>> table = reliability()
    >>> "all: named" in table.set.values, table.attrs["simulated"]
    (True, 'true')
    """
    table = reference.table("xrd_reliability")
    rows = list(table.rows(state=state))
    if not rows:
        raise InputError(f"no state {state!r}", where="state", remedy="Ask for 'mapped' or 'raw'")
    sets = list(dict.fromkeys(str(row["set"]) for row in rows))
    columns = ("mean_probability", "share_present", "share_unc", "claims")
    values = np.full((len(columns), len(sets), BINS), np.nan)
    values[3] = 0.0
    for row in rows:
        values[:, sets.index(str(row["set"])), int(row["bin"])] = [row[name] for name in columns]
    labels = ("Mean probability stated", "Share that was true", "Standard uncertainty", "Number of claims")
    names = ("probability", "frequency", "frequency_unc", "count")
    found = xr.Dataset(
        {
            name: (("set", "bin"), one, {"units": "1", "long_name": label})
            for name, one, label in zip(names, values, labels, strict=True)
        },
        coords={"set": ("set", np.array(sets, dtype=np.str_)), "bin": np.arange(BINS)},
        attrs={"kind": "table", "technique": "XRD", "simulated": "true", "source": " ".join(table.notes)},
    )
    found["frequency"].attrs["ancillary_variables"] = "frequency_unc"
    return schema.check(found, "table")
