"""What the background and the components of a core-level fit say about its worth, in the words of the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from surfspec.fitting.model import Parameter
from surfspec.fitting.result import DETECTION

Array = NDArray[np.float64]

#: Tails at an end of the window, relative to the highest peak, from which the window cuts into the peaks.
CUT_TAIL = 0.04
#: Standard uncertainties of the step from which the level of a background falls.
FALL = 2.0
#: The same from which it surely falls, so that a hull in its place is named: noise does so in one spectrum of 4,000.
HULL_FALL = 3.5
#: Standard uncertainties of its height from which a peak stands out although its area is uncertain.
STANDS = 5.0
#: Standard uncertainties between prior and data from which they contradict each other.
CONTRADICTED = 3.0
#: Part of the variance of a prior that the data must take away to say anything of it.
TELLING = 0.02
#: Reasons that speak of single parameters.
OF_PARAMETERS = ("not determined", "below detection", "not resolved", "correlated", "at bound", "start dependent",
                 "prior contradicted")  # fmt: skip


def of_peaks(reasons: tuple[str, ...]) -> tuple[str, ...]:
    """Return the reasons without those about parameters of peaks that are not there.

    Examples
    --------
    >>> of_peaks(("no peak detected", "at bound: Zr4+ center"))
    ('no peak detected',)
    """
    if "no peak detected" not in reasons:
        return reasons
    return tuple(reason for reason in reasons if reason.split(":")[0] not in OF_PARAMETERS)


def background_reasons(
    kind: str,
    anchors: tuple[float, float],
    anchor_unc: tuple[float, float],
    *,
    converged: bool,
    k_width: float,
    options: Mapping[str, str | float],
) -> list[str]:
    """Return what is to be said of a background.

    Parameters
    ----------
    kind, anchors, anchor_unc, converged, k_width
        As in :class:`~surfspec.fitting.Background`.
    options
        Of the recipe.
    """
    reasons = []
    if not converged:
        reasons.append(f"background not converged: {kind}, k W = {k_width:.2g}")
    step, unc = anchors[1] - anchors[0], float(np.hypot(*anchor_unc))
    if kind.startswith("shirley") and step < -FALL * unc and options.get("rule") != "avantage":
        reasons.append("background improper: the level falls towards higher binding energy")
    elif kind.startswith(("smart", "shirley")) and step < -HULL_FALL * unc:
        reasons.append(
            "background improper: the level falls towards higher binding energy, and a lower hull stands for it; "
            "try active with a degree of 1 or 2"
        )
    return reasons


def component_reasons(
    names: Sequence[str],
    fwhm: Array,
    flag: NDArray[np.str_],
    *,
    together: bool,
    window: float,
    tail: float,
    highest: float,
) -> list[str]:
    """Return what is to be said of the components of a fit.

    Parameters
    ----------
    names, fwhm, flag
        Of the components, each of length k.
    together
        Whether the sum of the areas is detected, or a peak stands out.
    window
        Width of the fitted window, eV.
    tail, highest
        The peaks' sum at the end of the window where it is larger, and at its maximum.
    """
    reasons = []
    wide = [name for name, one in zip(names, fwhm, strict=True) if one > window]
    if wide:
        reasons.append(f"width exceeds window: {', '.join(wide)}")
    missing = [name for name, one in zip(names, flag, strict=True) if one == "below_detection"]
    if len(missing) == len(names):
        alone = f"not determined: how the area divides among {', '.join(names)}"
        if len(names) == 1:
            alone = f"not determined: the area of {names[0]}, which stands out all the same"
        return [*reasons, alone if together else "no peak detected"]
    if missing:
        reasons.append(f"below detection: {', '.join(missing)}")
    if highest > 0 and tail > CUT_TAIL * highest:
        reasons.append(
            f"background improper: at an end of the window the peaks still have {tail / highest:.0%} of their height"
        )
    return reasons


def stands_out(height: Array, height_unc: Array) -> bool:
    """Say whether a component clearly rises above the background, however uncertain the area of its tails is.

    Parameters
    ----------
    height, height_unc
        Shape (k,).

    Examples
    --------
    >>> stands_out(np.array([50.0, 2.0]), np.array([3.0, np.nan]))
    True
    """
    with np.errstate(invalid="ignore"):
        return bool(np.any(height > STANDS * height_unc))


def prior_reasons(parameters: Sequence[Parameter], values: Array, uncertainties: Array) -> list[str]:
    r"""Return what is to be said where prior knowledge and data do not go together.

    .. math:: t = (p - \mu) / \sqrt{u_0^2 - u^2}

    with the prior :math:`\mu \pm u_0` and the result :math:`p \pm u` is what lies between the prior and the data alone,
    in standard uncertainties.

    Parameters
    ----------
    parameters
        Of the model, length p.
    values, uncertainties
        Of the fit, shape (p,).

    References
    ----------
    Barlow, Statistics (1989), section 5.1 (the pull of one of two measurements that were averaged).
    """
    apart = []
    for one, value, unc in zip(parameters, values.tolist(), uncertainties.tolist(), strict=True):
        if one.prior is None or not one.vary or not np.isfinite(unc):
            continue
        mean, known = one.prior
        left = known**2 - unc**2
        pull = (value - mean) / np.sqrt(left) if left > TELLING * known**2 else (value - mean) / known
        if abs(pull) >= CONTRADICTED:
            apart.append(f"{one.name} by {abs(pull):.1f}")
    return [f"prior contradicted: {', '.join(apart)} standard uncertainties"] if apart else []


def detected_together(area: Array, covariance: Array) -> bool:
    """Say whether the sum of the areas of one fit lies three standard uncertainties above zero.

    Parameters
    ----------
    area, covariance
        Shapes (k,) and (k, k); NaN where not determined.

    Examples
    --------
    >>> detected_together(np.array([30.0, 20.0]), np.array([[900.0, -890.0], [-890.0, 900.0]]))
    True
    """
    variance = float(np.sum(covariance))
    return bool(np.isfinite(variance) and variance > 0 and np.sum(area) >= DETECTION * np.sqrt(variance))
