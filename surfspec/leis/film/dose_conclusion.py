"""What the dose series of one sample says of removal, layers and the surface before any dose, or why nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from surfspec.leis.film import budget, dose_curve, layer_choice
from surfspec.leis.film.dose import without_missing

Array = NDArray[np.float64]

#: Numbers, their units and long names.
NUMBERS: Final = {
    "zero_dose_coverage": ("1", "Coverage before any dose"),
    "zero_dose_coverage_unc": ("1", "Its standard uncertainty"),
    "zero_dose_coverage_low": ("1", "Lower end of its 68 % interval over all layers"),
    "zero_dose_coverage_high": ("1", "Upper end of its 68 % interval over all layers"),
    "removal_cross_section": ("cm2", "Removal cross-section of a layer"),
    "removal_cross_section_unc": ("cm2", "Its standard uncertainty"),
    "removal_cross_section_low": ("cm2", "Lower end of its 68 % interval over all layers"),
    "removal_cross_section_high": ("cm2", "Upper end of its 68 % interval over all layers"),
    "thickness": ("nm", "Film thickness by the number of monolayers"),
    "thickness_unc": ("nm", "Its standard uncertainty"),
    "layer_share": ("1", "Share of the surface that is a layer thicker, or (negative) thinner, by the dose model"),
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


def conclude(
    doses: Array | None, mean: Array, covariance: Array, setting: DoseSetting, reasons: list[str]
) -> dict[str, Any]:
    """Return the numbers of the dose model; reasons for doubt are appended to `reasons`.

    Parameters
    ----------
    doses
        Cumulated doses, shape (dose,), or None.
    mean, covariance
        Coverages, shape (dose,), and their covariance.
    setting
        What else is needed.
    reasons
        To be appended to.
    """
    nan = float("nan")
    number = len(layer_choice.LAYERS)
    out: dict[str, Any] = dict.fromkeys(NUMBERS, nan) | {
        "monolayers_chi2": np.full(number, nan),
        "monolayers_probability": np.full(number, nan),
        "monolayers_aicc": np.full(number, nan),
        "curve_dose": np.linspace(0.0, nan if doses is None else float(doses[-1]), dose_curve.POINTS),
        "curve": np.full(dose_curve.POINTS, nan),
        "curve_unc": np.full(dose_curve.POINTS, nan),
        "dose_model": np.full(mean.shape, nan),
        "monolayers": -1,
        "identifiable": 0,
        "not_excluded": "",
        "statement": "",
    }
    if doses is None:
        return out
    if int(np.sum(np.isfinite(mean) & np.isfinite(np.diag(covariance)))) < 3:
        reasons.append("ambiguous: too few doses for the dose model, its numbers are not identifiable")
        out["statement"] = _statement(doses, nan, (), setting)
        return out
    found = layer_choice.compare_layers(
        doses, *without_missing(mean, covariance), start_dose=setting.start_dose, interval=setting.interval,
        roughness=setting.roughness, thickness=setting.thickness, monolayer=setting.monolayer,
    )  # fmt: skip
    out["monolayers_chi2"] = np.array([one.chi2 for one in found.fits])
    out["monolayers_probability"] = found.probability
    out["monolayers_aicc"] = np.where(np.isfinite(found.aicc), found.aicc, nan)
    out["dose_model"] = found.best.fitted
    out["not_excluded"] = ", ".join(map(str, found.not_excluded))
    if not found.identifiable:
        reasons.append("ambiguous: the doses do not determine a removal cross-section, not identifiable")
        out["statement"] = _statement(doses, nan, (), setting)
        return out
    if len(found.not_excluded) > 1:
        reasons.append(f"ambiguous: films of {out['not_excluded']} monolayers fit alike")
    of = found.average
    sigma, scale = of.cross_section, setting.dose_scale_unc
    stat = max(of.cross_section_unc, found.best.cross_section_unc)
    low, high = of.cross_section_range
    if doubt := budget.implausible(sigma, setting.site_density):
        reasons.append(doubt)
    out |= {
        "identifiable": 1,
        "monolayers": found.best.layers,
        "zero_dose_coverage": of.zero_dose,
        "zero_dose_coverage_unc": of.zero_dose_unc,
        "zero_dose_coverage_low": of.zero_dose_range[0],
        "zero_dose_coverage_high": of.zero_dose_range[1],
        "removal_cross_section": sigma,
        "removal_cross_section_unc": float(np.hypot(stat, scale * sigma)),
        "removal_cross_section_low": sigma - float(np.hypot(sigma - low, scale * sigma)),
        "removal_cross_section_high": sigma + float(np.hypot(high - sigma, scale * sigma)),
        "layer_share": found.best.share,
        "curve": found.curve,
        "curve_unc": found.curve_unc,
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
