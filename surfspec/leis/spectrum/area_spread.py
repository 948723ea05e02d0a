r"""How far areas move between backgrounds, and which of those the data exclude. Arrays in, arrays out.

A background is acceptable where its criterion is at most :data:`EXCLUDED` above the least of all,

.. math:: c = D/s + 2 p, \qquad s = \max\left(1, \min_v D_v/\nu_v\right)

with the deviance `D`, the number of free parameters `p` and the degrees of freedom :math:`\nu` (Akaike's criterion;
`s` for counts that scatter more than the best of the models says). The change of an area against the fit at hand holds
noise as well where one of the two fits used less of the data or more parameters: its variance is the difference of the
two variances where the fit at hand is right (Hausman, Econometrica 46 (1978) 1251), and is taken off.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

#: Difference of the criterion from which a model has essentially no support: Burnham and Anderson, Model Selection and
#: Multimodel Inference (2002), section 2.6.
EXCLUDED = 10.0


@dataclass(frozen=True)
class Spread:
    """What the variants say of each member.

    Attributes
    ----------
    criterion
        Above the least, NaN where the points differ or the fit failed, shape (..., variant).
    acceptable
        Shape (..., variant).
    change, score
        Of each area against the first variant, and in units of the larger standard uncertainty of the two,
        shape (..., variant, element).
    noise
        Standard deviation of that change by noise alone, were the fit at hand right, shape (..., variant, element).
    model_unc
        Standard uncertainty of each area by the choice among the acceptable variants, shape (..., element).
    accepted, all_of_them
        Largest less smallest area over the acceptable variants and over all, shape (..., element).
    """

    criterion: Array
    acceptable: Mask
    change: Array
    score: Array
    noise: Array
    model_unc: Array
    accepted: Array
    all_of_them: Array


def spread_of(
    area: Array, unc: Array, deviance: Array, dof: Array, parameters: Array, same_points: Mask, *, known_noise: bool
) -> Spread:
    """Compare the areas of several backgrounds; the first is the fit at hand.

    Parameters
    ----------
    area, unc
        Shape (..., variant, element).
    deviance, dof, parameters
        Deviance, degrees of freedom and number of free parameters, shape (..., variant); NaN where a fit failed.
    same_points
        Shape (variant,).
    known_noise
        Whether the noise is known (counts, given uncertainties), so that 1 is the least scale of the deviance.

    Examples
    --------
    >>> area = np.array([[100.0], [160.0], [101.0]])
    >>> found = spread_of(area, np.full((3, 1), 2.0), np.array([400.0, 500.0, 401.0]), np.full(3, 400.0),
    ...     np.full(3, 20.0), np.ones(3, dtype=bool), known_noise=True)
    >>> found.acceptable.tolist(), found.score[:, 0].tolist(), found.accepted.tolist()
    ([True, False, True], [0.0, 30.0, 0.5], [1.0])
    """
    fitted = np.isfinite(deviance) & np.all(np.isfinite(area), axis=-1)
    comparable = fitted & same_points
    reduced = np.where(comparable, deviance / dof, np.inf)
    scale = np.min(reduced, axis=-1, keepdims=True)
    scale = np.maximum(scale, 1.0) if known_noise else scale
    with np.errstate(invalid="ignore", divide="ignore"):
        criterion = np.where(comparable, deviance / scale + 2.0 * parameters, np.inf)
    least = np.min(criterion, axis=-1, keepdims=True)
    criterion = np.where(np.isfinite(criterion), criterion - np.where(np.isfinite(least), least, 0.0), np.nan)
    acceptable = np.nan_to_num(criterion, nan=np.inf) <= EXCLUDED
    # other points have another deviance: such a fit stands or falls with the one whose model it shares
    acceptable |= fitted & ~same_points & acceptable[..., :1]
    change = area - area[..., :1, :]
    larger = np.fmax(unc, unc[..., :1, :])
    score = np.divide(change, larger, out=np.full(change.shape, np.nan), where=larger > 0)
    noise = np.sqrt(np.nan_to_num(np.abs(unc**2 - unc[..., :1, :] ** 2)))
    beyond = np.maximum(change**2 - noise**2, 0.0)
    chosen = acceptable[..., None]
    count = np.count_nonzero(chosen, axis=-2)
    total = np.sum(np.where(chosen, beyond, 0.0), axis=-2)
    model_unc = np.sqrt(np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0))
    accepted, every = _range(area, chosen), _range(area, fitted[..., None])
    return Spread(criterion, acceptable, change, score, noise, model_unc, accepted, every)


def _range(area: Array, chosen: Mask) -> Array:
    """Return the largest less the smallest of the chosen areas, NaN where none is, shape (..., element)."""
    high = np.max(np.where(chosen, area, -np.inf), axis=-2)
    low = np.min(np.where(chosen, area, np.inf), axis=-2)
    return np.asarray(np.where(np.isfinite(high) & np.isfinite(low), high - low, np.nan))
