"""Coverage and dose model of one sample, from areas over spots and doses. Arrays in, a dictionary of numbers out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from surfspec.fitting.verdict import verdict_of
from surfspec.leis.film import budget, layer_choice, misfit, unmixing
from surfspec.leis.film.spot_effects import spot_mean

Array = NDArray[np.float64]

#: Reduced chi-square of the two phases above which they do not explain the areas.
TWO_PHASES = 3.0
#: What the weights of the unmixing allow each area beyond its uncertainties, over the summed area: half of the mean
#: error of normalised areas of simulated oxides. Counting alone would trust O and P, on their shoulders, too much.
GUARD = 0.005
#: Numbers of a sample, their units and long names.
SCALARS: Final = {
    "zero_dose_coverage": ("1", "Coverage before any dose"),
    "zero_dose_coverage_unc": ("1", "Its standard uncertainty"),
    "zero_dose_coverage_low": ("1", "Lower end of its 68 % profile-likelihood interval"),
    "zero_dose_coverage_high": ("1", "Upper end of its 68 % profile-likelihood interval"),
    "removal_cross_section": ("cm2", "Removal cross-section of a layer"),
    "removal_cross_section_unc": ("cm2", "Its standard uncertainty"),
    "removal_cross_section_low": ("cm2", "Lower end of its 68 % profile-likelihood interval"),
    "removal_cross_section_high": ("cm2", "Upper end of its 68 % profile-likelihood interval"),
    "thickness": ("nm", "Film thickness by the number of monolayers"),
    "thickness_unc": ("nm", "Its standard uncertainty"),
    "layer_share": ("1", "Share of the surface that is a layer thicker, or (negative) thinner, by the dose model"),
    "between_spot_sd": ("1", "Standard deviation of the coverage between spots beyond their fits"),
    "between_spot_sd_unc": ("1", "Its standard uncertainty"),
    "model_share": ("1", "Error of areas by the spectral model over the background below them, from the misfit"),
}


@dataclass(frozen=True)
class DoseSetting:
    """What the dose model needs beside the coverages.

    Attributes
    ----------
    start_dose
        Dose before the first spectrum, ions/cm2.
    site_density, monolayer
        Atoms of a monolayer, 1/cm2, and its thickness, nm.
    sputter_yield
        Lowest and highest plausible yield, atoms/ion.
    interval
        Average over the dose interval of each spectrum.
    dose_scale_unc
        Relative standard uncertainty of the dose scale.
    roughness
        Standard deviation of the share of the surface that is a layer thicker or thinner than the film.
    thickness
        Thickness measured otherwise and its uncertainty, nm.
    """

    start_dose: float = 0.0
    site_density: float = 1.77e15
    monolayer: float = 0.238
    sputter_yield: tuple[float, float] = (0.05, 0.2)
    interval: bool = True
    dose_scale_unc: float = 0.0
    roughness: float = layer_choice.ROUGHNESS
    thickness: tuple[float, float] | None = None


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
    setting: DoseSetting,
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
    share = np.nan
    if given is None and np.any(usable):
        share = misfit.model_share(areas[usable], matrices[usable], phases.yields, phases.errors, below[usable])
    out["model_share"] = share
    own_unc, common, by_model = np.full((3, spots, steps), np.nan)
    misfits: list[Array] = []
    for index in zip(*np.nonzero(usable), strict=True):
        one = _unmix(
            areas[index], matrices[index], below[index], None if given is None else given[index], phases, share
        )
        if one is None:
            continue
        amounts, own, references, model, chi2 = one
        gain = float(amounts.sum())
        misfits.append((areas[index] - phases.yields @ amounts) / float(areas[index].sum()))
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
    # neither the references nor the spectral model average out over the spots; the model may err anew at each dose
    shared = birge * np.nansum(common, axis=0) / some
    model_part = birge * np.nansum(by_model, axis=0) / some
    covariance = over_spots.covariance + np.diag(model_part**2) + np.outer(shared, shared)
    missing = ~np.isfinite(over_spots.mean)
    covariance[missing, :] = covariance[:, missing] = np.nan
    out["coverage"], out["coverage_sd"] = over_spots.mean, over_spots.sd
    out["coverage_covariance"], out["coverage_unc"] = covariance, np.sqrt(np.diag(covariance))
    out["coverage_common_unc"] = np.where(missing, np.nan, shared)
    out["between_spot_sd"], out["between_spot_sd_unc"] = over_spots.between, over_spots.between_unc
    out["gain"] = np.where(count > 0, np.nansum(out["spot_gain"], axis=0) / some, np.nan)
    out["gain_unc"] = np.where(count > 0, np.sqrt(np.nansum(out["spot_gain_unc"] ** 2, axis=0)) / some, np.nan)
    out |= _dose_part(doses, over_spots.mean, covariance, setting, reasons)
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


def _dose_part(
    doses: Array | None, mean: Array, covariance: Array, setting: DoseSetting, reasons: list[str]
) -> dict[str, Any]:
    nan = float("nan")
    number = len(layer_choice.LAYERS)
    skip = ("between_spot_sd", "between_spot_sd_unc", "model_share")
    out: dict[str, Any] = {name: nan for name in SCALARS if name not in skip} | {
        "monolayers_chi2": np.full(number, nan),
        "monolayers_probability": np.full(number, nan),
        "dose_model": np.full(mean.shape, nan),
        "monolayers": -1,
        "identifiable": 0,
        "not_excluded": "",
        "statement": "",
    }
    if doses is None:
        return out
    if doses.size < 3 or not np.all(np.isfinite(mean)):
        reasons.append("ambiguous: too few doses for the dose model, its numbers are not identifiable")
        out["statement"] = _statement(doses, nan, (), setting)
        return out
    found = layer_choice.compare_layers(
        doses, mean, covariance, start_dose=setting.start_dose, interval=setting.interval,
        roughness=setting.roughness, thickness=setting.thickness, monolayer=setting.monolayer,
    )  # fmt: skip
    out["monolayers_chi2"] = np.array([one.chi2 for one in found.fits])
    out["monolayers_probability"] = found.probability
    out["dose_model"] = found.best.fitted
    out["not_excluded"] = ", ".join(map(str, found.not_excluded))
    if not found.identifiable:
        reasons.append("ambiguous: the doses do not determine a removal cross-section, not identifiable")
        out["statement"] = _statement(doses, nan, (), setting)
        return out
    if len(found.not_excluded) > 1:
        reasons.append(f"ambiguous: films of {out['not_excluded']} monolayers fit alike")
    sigma, scale = found.best.cross_section, setting.dose_scale_unc
    low, high = found.cross_section_range
    out |= {
        "identifiable": 1,
        "monolayers": found.best.layers,
        "zero_dose_coverage": found.best.zero_dose,
        "zero_dose_coverage_unc": found.zero_dose_unc,
        "zero_dose_coverage_low": found.zero_dose_range[0],
        "zero_dose_coverage_high": found.zero_dose_range[1],
        "removal_cross_section": sigma,
        "removal_cross_section_unc": float(np.hypot(found.cross_section_unc, scale * sigma)),
        "removal_cross_section_low": sigma - float(np.hypot(sigma - low, scale * sigma)),
        "removal_cross_section_high": sigma + float(np.hypot(high - sigma, scale * sigma)),
        "layer_share": found.best.share,
        "thickness": (found.best.layers + found.best.share) * setting.monolayer,
        "thickness_unc": found.layers_unc * setting.monolayer,
        "statement": _statement(doses, sigma, found.not_excluded, setting),
    }
    return out


def _statement(doses: Array, sigma: float, layers: tuple[int, ...], setting: DoseSetting) -> str:
    return budget.statement(
        float(doses[-1]) - setting.start_dose, sigma, layers, sputter_yield=setting.sputter_yield,
        site_density=setting.site_density, monolayer=setting.monolayer,
    )  # fmt: skip
