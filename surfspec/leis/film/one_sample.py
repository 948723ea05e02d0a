"""Coverage and dose model of one sample, from areas over spots and doses. Arrays in, a dictionary of numbers out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from surfspec.fitting.verdict import verdict_of
from surfspec.leis.film import dose_conclusion, misfit, unmixing
from surfspec.leis.film.dose_conclusion import NUMBERS
from surfspec.leis.film.spot_effects import spot_mean

Array = NDArray[np.float64]

#: Reduced chi-square of the two phases above which they do not explain the areas.
TWO_PHASES = 3.0
#: What the weights of the unmixing allow each area beyond its uncertainties, over the summed area: half of the mean
#: error of normalised areas of simulated oxides. Counting alone would trust O and P, on their shoulders, too much.
GUARD = 0.005
#: Numbers of a sample, their units and long names.
SCALARS: Final = {
    **NUMBERS,
    "between_spot_sd": ("1", "Standard deviation of the coverage between spots beyond their fits"),
    "between_spot_sd_unc": ("1", "Its standard uncertainty"),
    "model_share": ("1", "Error of areas by the spectral model over the background below them, from the misfit"),
    "model_common": ("1", "Part of that error's variance that all doses have in common, from the misfit"),
}


@dataclass(frozen=True)
class Phases:
    """Areas of film and substrate alone.

    Attributes
    ----------
    names
        Elements, length j.
    yields, errors
        Shape (j, 2), and their covariances, shape (2, j, j).
    """

    names: list[str]
    yields: Array
    errors: Array


def one_sample(
    areas: Array,
    matrices: Array,
    below: Array,
    given: Array | None,
    phases: Phases,
    doses: Array | None,
    setting: dose_conclusion.DoseSetting,
) -> dict[str, Any]:
    """Return everything about one sample.

    Parameters
    ----------
    areas, matrices
        Shapes (spot, dose, element) and (spot, dose, element, element).
    below
        Background below each peak, shape (spot, dose, element).
    given
        Standard uncertainty of each area by the spectral model, of the same shape; None: learn it from the misfit.
    phases
        The two references.
    doses
        Cumulated doses, shape (dose,), or None.
    setting
        For the dose model.
    """
    spots, steps, elements = areas.shape
    out: dict[str, Any] = {
        name: np.full((spots, steps), np.nan)
        for name in ("spot_coverage", "spot_coverage_unc", "spot_gain", "spot_gain_unc", "spot_chi2")
    }
    # an area can be wrong by its background, and by what the other peaks leave beneath it
    below = below + GUARD / misfit.PRIOR_SCALE * areas.sum(axis=-1, keepdims=True)
    usable = np.all(np.isfinite(areas), axis=-1) & np.all(np.isfinite(matrices), axis=(-2, -1))
    learn = given is None and bool(np.any(usable))
    seen = areas[usable], matrices[usable], phases.yields, phases.errors, below[usable]
    out["model_share"] = share = misfit.model_share(*seen) if learn else np.nan
    own_unc, common, by_model = np.full((3, spots, steps), np.nan)
    misfits, relative = [], np.full(areas.shape, np.nan)
    for index in zip(*np.nonzero(usable), strict=True):
        one = _unmix(
            areas[index], matrices[index], below[index], None if given is None else given[index], phases, share
        )
        if one is None:
            continue
        amounts, own, references, model, chi2 = one
        gain = float(amounts.sum())
        residual = areas[index] - phases.yields @ amounts
        misfits.append(residual / float(areas[index].sum()))
        relative[index] = residual / below[index]
        slope = np.array([amounts[1], -amounts[0]]) / gain**2
        out["spot_coverage"][index] = amounts[0] / gain
        own_unc[index] = np.sqrt(slope @ own @ slope)
        out["spot_gain"][index] = gain
        out["spot_gain_unc"][index] = np.sqrt((own + references + model).sum())
        out["spot_chi2"][index] = chi2
        by_model[index] = np.sqrt(slope @ model @ slope)
        common[index] = np.sqrt(slope @ references @ slope)
    dof = max(1, (elements - 2) * int(np.sum(np.isfinite(out["spot_chi2"]))))
    out["chi2"], out["dof"] = float(np.nansum(out["spot_chi2"])), float(dof)
    reasons: list[str] = []
    if out["chi2"] / dof > TWO_PHASES:
        reasons.append(
            f"model inadequate: two phases leave a reduced chi-square of {out['chi2'] / dof:.1f}, "
            f"of the total area mostly {_largest_misfits(np.array(misfits), phases.names)}"
        )
    # where the model's error was given and two phases miss by more, the fits are worth less than they say (Birge)
    birge = 1.0 if given is None else float(np.sqrt(max(1.0, out["chi2"] / dof)))
    out["spot_coverage_unc"] = birge * np.sqrt(own_unc**2 + by_model**2 + common**2)
    over_spots = spot_mean(out["spot_coverage"], birge * own_unc)
    count = np.isfinite(out["spot_coverage"]).sum(axis=0)
    some = np.maximum(count, 1)
    # neither the references nor the spectral model average out over the spots
    shared, model_part = (birge * np.nansum(one, axis=0) / some for one in (common, by_model))
    together = misfit.common_part(relative)
    by_the_model = together * np.outer(model_part, model_part) + (1.0 - together) * np.diag(model_part**2)
    covariance = over_spots.covariance + by_the_model + np.outer(shared, shared)
    missing = ~np.isfinite(over_spots.mean)
    covariance[missing, :] = covariance[:, missing] = np.nan
    out["coverage"], out["coverage_sd"] = over_spots.mean, over_spots.sd
    out["coverage_covariance"], out["coverage_unc"] = covariance, np.sqrt(np.diag(covariance))
    out |= {"coverage_common_unc": np.where(missing, np.nan, shared), "model_common": together}
    out["between_spot_sd"], out["between_spot_sd_unc"] = over_spots.between, over_spots.between_unc
    out["gain"] = np.where(count > 0, np.nansum(out["spot_gain"], axis=0) / some, np.nan)
    out["gain_unc"] = np.where(count > 0, np.sqrt(np.nansum(out["spot_gain_unc"] ** 2, axis=0)) / some, np.nan)
    out |= dose_conclusion.conclude(doses, over_spots.mean, covariance, setting, reasons)
    out["verdict"], out["reasons"] = verdict_of(reasons), "; ".join(reasons)
    return out


def _unmix(
    area: Array, matrix: Array, below: Array, given: Array | None, phases: Phases, share: float
) -> tuple[Array, Array, Array, Array, float] | None:
    """Unmix one spectrum; None for one without any signal.

    Where the model's error is learned, the weights allow for it whether or not it cancels with that of the references,
    and the chi-square is that under the error expected beforehand: under the learned one it would be as it should be
    whatever the misfit.
    """
    yields, errors = phases.yields, phases.errors
    if given is not None:
        found = unmixing.unmix(area, matrix, yields, errors, given)
        return found if found[0].sum() > 0 else None
    chi2 = 0.0
    guard = GUARD * float(area.sum())
    found = unmixing.unmix(area, matrix, yields, errors, guard=guard)
    for s in (misfit.PRIOR_SCALE, share):
        for _ in range(3):
            if not found[0].sum() > 0:
                return None
            covered = float(found[0][0] / found[0].sum())
            found = unmixing.unmix(area, matrix, yields, errors, s * covered * below, guard)
        chi2 = found[4] if s == misfit.PRIOR_SCALE else chi2
    return (*found[:4], chi2)


def _largest_misfits(misfits: Array, names: list[str]) -> str:
    """Name the two elements that two phases miss most: mean share of the total area, measured minus calculated."""
    mean = misfits.mean(axis=0)
    worst = np.argsort(-np.abs(mean))[:2]
    return " and ".join(f"{names[i]} ({100 * mean[i]:+.1f} %)" for i in worst)
