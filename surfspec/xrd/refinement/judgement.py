"""What is to be said of a refinement: reasons of the closed list, and notes that leave the verdict as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from surfspec.fitting.residual_tests import autocorrelation_score, chi2_probability
from surfspec.fitting.verdict import IMPROBABLE, STRUCTURE_SCORE, TOLERATED_REDUCED_CHI2, verdict_of
from surfspec.xrd.amounts.weights import BRINDLEY, contrast
from surfspec.xrd.lines.peak_search import search
from surfspec.xrd.refinement.agreement import LineAreas
from surfspec.xrd.refinement.covariance import Uncertainty
from surfspec.xrd.refinement.parameters import NATURAL
from surfspec.xrd.refinement.physical import Facts
from surfspec.xrd.refinement.stages import Fit

Array = NDArray[np.float64]

#: Correlation of zero and displacement from which they are not told apart.
TOGETHER: Final = 0.98
#: Reasons that leave the verdict as it is: the uncertainty of the weight fractions or of the cell holds them.
NOTES: Final = ("microabsorption", "which shift")
#: A residual line counts from this signal-to-noise ratio and share of the highest calculated point.
LINE_SIGNAL, LINE_SHARE = 10.0, 0.02
#: R_Bragg from which the structure (or its texture) does not describe the areas.
POOR_AREAS: Final = 0.25
#: Weight fraction from which such a phase takes the uncertainty from all fractions: coarse grains and microabsorption
#: that spoil its areas spoil its scale by an amount that nothing here measures.
POOR_SHARE: Final = 0.05
#: Factor on the uncertainties (misfit and serial correlation, see `covariance`) from which structure in the residual is
#: named. Simulated: with the right profile all of 75 patterns of 3e3 to 2e5 counts at the top pass, with factors up to
#: 1.2; exact Voigt lines in place of their pseudo-Voigt approximation (1.3 % of the height) give 1.24 at 8e3 counts.
#: Measured patterns have 1.5 to 5.
NAMED_FACTOR: Final = 1.3


def judge(
    fit: Fit, spread: Uncertainty, facts: Sequence[Facts], areas: Sequence[LineAreas], present: NDArray[np.bool_],
    fraction: Array, absorptions: Array, density: Array,
) -> tuple[str, list[str]]:  # fmt: skip
    """Return verdict and reasons.

    Parameters
    ----------
    fit, spread
        The refinement and its covariance.
    facts, areas
        By phase.
    present
        Whether a phase is above three standard uncertainties of its area.
    fraction, absorptions, density
        Weight fraction, absorption (cm^-1) and density (g/cm^3), NaN where not known.
    """
    table = fit.state.parameters
    ids = [one.phase.id for one in fit.models]
    reasons: list[str] = []
    if not np.isfinite(fit.state.chi2):
        reasons.append("not finite")
    if not fit.converged:
        reasons.append("not converged: the last round still moved")
    lost = [table.names[i] for i in spread.undetermined]
    if lost:
        reasons.append(f"not resolved: {', '.join(lost)} (the data do not fix them apart)")
    faint = [name for name, there in zip(ids, present, strict=True) if not there]
    if not np.any(present):
        reasons.append("no phase: none of those named explains a line (radiation, shift and names are to be checked)")
    if faint:
        reasons.append(f"below detection: {', '.join(faint)}")
    resting = [name for name, one, there in zip(ids, facts, present, strict=True) if one.on_prior and there]
    if resting:
        reasons.append(f"not resolved: the cell of {', '.join(resting)} rests on its prior")
    reasons += _shifts_together(fit, spread)
    held = table.free & ((table.value <= table.low) | (table.value >= table.high))
    held &= ~np.isin(np.array(table.roles), NATURAL)
    if np.any(held):
        reasons.append(f"at bound: {', '.join(np.array(table.names)[held].tolist())}")
    poor = [
        f"{name} ({one.r_bragg:.2f})"
        for name, one, model, there in zip(ids, areas, fit.models, present, strict=True)
        if there and not model.pawley and one.r_bragg > POOR_AREAS
    ]
    if poor:
        lost_too = ", weight fractions have no uncertainty" if spoilt(fit, areas, present, fraction) else ""
        reasons.append(f"model inadequate: R_Bragg of {', '.join(poor)}{lost_too}")
    reasons += _goodness(fit, spread)
    reasons += _residual_lines(fit)
    known = np.isfinite(fraction) & present
    if np.count_nonzero(known) > 1:
        uneven = contrast(absorptions[known], fraction[known], density[known]) > BRINDLEY
        biased = [name for name, bad in zip(np.array(ids)[known].tolist(), uneven, strict=True) if bad]
        if biased:
            reasons.append(f"microabsorption: weight fractions are biased unless grains are fine ({', '.join(biased)})")
    return verdict_of([one for one in reasons if one.split(":")[0] not in NOTES]), reasons


def spoilt(fit: Fit, areas: Sequence[LineAreas], present: NDArray[np.bool_], fraction: Array) -> bool:
    """Tell whether weight fractions have no uncertainty: a phase that matters has other areas than its card gives."""
    return any(
        bool(there) and not model.pawley and one.r_bragg > POOR_AREAS and share > POOR_SHARE
        for one, model, there, share in zip(areas, fit.models, present, fraction, strict=True)
    ) and bool(np.count_nonzero(present) > 1)


def _shifts_together(fit: Fit, spread: Uncertainty) -> list[str]:
    table = fit.state.parameters
    zero, other = table.where(-1, "zero")[0], table.where(-1, "displacement")[0]
    if not (table.free[zero] and table.free[other]):
        return []
    unc = np.sqrt(np.diag(spread.parameters))
    value = spread.parameters[zero, other] / (unc[zero] * unc[other])
    if np.abs(value) > TOGETHER:
        return [f"correlated: zero and displacement ({value:+.3f}), refine one of them"]
    return []


def _goodness(fit: Fit, spread: Uncertainty) -> list[str]:
    dof = max(len(fit.fitted.x) - spread.fitted, 1)
    reduced = fit.state.chi2 / dof
    found = []
    if reduced > TOLERATED_REDUCED_CHI2 and float(chi2_probability(fit.state.chi2, dof)) < IMPROBABLE:
        found.append(
            f"chi-square improbable: reduced {reduced:.2f}, uncertainties are widened by {spread.inflation:.2f}"
        )
    residuals = (fit.fitted.y - fit.state.calculated - fit.state.background) * fit.fitted.weight
    score = float(autocorrelation_score(residuals))
    if score > STRUCTURE_SCORE and spread.inflation > NAMED_FACTOR:
        found.append(f"residual structure: score {score:.1f}, Durbin-Watson {spread.durbin_watson:.2f}")
    return found


def _residual_lines(fit: Fit) -> list[str]:
    """Lines that the phases do not explain: found in the residual, with the misfit of the model as noise."""
    calculated = fit.state.calculated
    rest = fit.fitted.y - calculated - fit.state.background
    top = float(calculated.max(initial=0.0))
    noise = fit.fitted.weight**-2.0 + (0.15 * calculated) ** 2
    shifted = rest - min(float(rest.min()), 0.0)
    found = search(fit.fitted.x, shifted, noise, threshold=LINE_SIGNAL)
    level = np.interp(found.two_theta, fit.fitted.x, calculated)
    real = (found.height > LINE_SHARE * top) & (level < found.height)
    if not np.any(real):
        return []
    where = found.two_theta[real][np.argsort(-found.height[real])][:5]
    listed = ", ".join(f"{value:.2f}" for value in where)
    count = int(np.count_nonzero(real))
    return [f"unknown phase likely: {count} line{'s' if count > 1 else ''} unexplained at {listed} deg"]
