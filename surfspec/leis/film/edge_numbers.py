"""What one averaged edge says of a film, and the reasons for doubt. Numbers in, numbers out."""

from __future__ import annotations

from typing import Final

import numpy as np

from surfspec.leis.film.edge_lag import EdgeLags
from surfspec.leis.film.edge_law import EdgeLaw

#: Bare share from which the edge beneath the film cannot be told from that of the bare parts.
MOSTLY_BARE = 0.5
#: Height of the surface peak over its shoulder from which it hides, without a reference, where the shoulder begins.
HIDDEN = 1.0
#: Relative standard uncertainty of the intensity of two spectra against each other (current, roughness).
INTENSITY = 0.1
#: One-sided 95 % quantile of the normal distribution.
ONE_SIDED = 1.6449
VARIABLES: Final = {
    "lag": ("eV", "Lag of the in-depth edge of {0} beneath the film"),
    "lag_unc": ("eV", "Its standard uncertainty"),
    "between_spot_sd": ("eV", "Standard deviation of the lag between spots beyond their fits"),
    "bare_share": ("1", "Share of the surface without film, by the surface peak of {0}"),
    "bare_share_unc": ("1", "Its standard uncertainty"),
    "thickness": ("nm", "Thickness of the film where it covers"),
    "thickness_unc": ("nm", "Its standard uncertainty"),
    "thickness_stat_unc": ("nm", "Part of it by the lag, different for each spectrum"),
    "thickness_common_unc": ("nm", "Part of it by stopping and re-ionisation, common to all"),
    "mean_thickness": ("nm", "Thickness averaged over bare and covered parts"),
    "mean_thickness_unc": ("nm", "Its standard uncertainty"),
    "upper_limit": ("nm", "Upper limit of the thickness (95 %)"),
}


def edge_numbers(
    lags: EdgeLags, i: tuple[int, ...], element: str, law: EdgeLaw, reionisation: tuple[float, float]
) -> tuple[dict[str, float], int, list[str]]:
    """Return the numbers of one sample, whether its film lies in patches, and the reasons for doubt.

    Parameters
    ----------
    lags
        Of all samples.
    i
        Which.
    element
        Whose edge.
    law
        Of lag against thickness.
    reionisation
        Loss by re-ionisation and its standard uncertainty, eV.

    Returns
    -------
    numbers, patches, reasons
        Numbers by the names of :data:`VARIABLES`, those that are not known left out; 1, 0, or -1 for unknown.
    """
    lag, unc = float(lags.lag[i]), float(lags.lag_unc[i])
    share, share_unc = float(lags.share[i]), float(lags.share_unc[i])
    out = {"lag": lag, "lag_unc": unc, "between_spot_sd": float(lags.between[i])}
    if lags.failed[i]:
        return dict.fromkeys(VARIABLES, float("nan")), -1, [f"not determined: the fit failed, {lags.failed[i]}"]
    told = bool(np.isfinite(share))
    if told:
        share_unc = float(np.hypot(share_unc, INTENSITY * share))
        out |= {"bare_share": share, "bare_share_unc": share_unc}
        if share > MOSTLY_BARE:
            part = f"{100 * min(share, 1.0):.0f} % of the surface is bare"
            return out, -1, [f"not determined: {part}, the edge of {element} is not that beneath the film"]
    elif float(lags.prominence[i]) > HIDDEN:
        peak = f"the surface peak of {element}, {lags.prominence[i]:.1f} times its shoulder,"
        return out, -1, [f"not determined: {peak} hides where that begins, and no reference tells the bare share"]
    if not (np.isfinite(lag) and np.isfinite(unc)):
        return out, -1, ["ambiguous: no in-depth edge stands out, the thickness is not identifiable"]
    below = lag - reionisation[0] > 2.0 * float(np.hypot(unc, reionisation[1]))
    patches = int(bool(lags.present[i]) and below)
    reasons: list[str] = []
    if patches and not told:
        reasons.append("ambiguous: bare parts lie beside covered ones, and no reference tells how many")
    t, stat, common = law.thickness(lag, unc)
    total = float(np.hypot(stat, common))
    if law.outside(t) > 0:
        side, end = ("thinner", law.thinnest) if t < law.thinnest else ("thicker", law.thickest)
        digits = next((n for n in range(2, 6) if f"{t:.{n}f}" != f"{end:.{n}f}"), 6)
        known = f"of the calibration, {end:.{digits}f} nm" if law.thinnest > 0 else "can be"
        reasons.append(f"ambiguous: {t:.{digits}f} nm is {side} than any film {known}")
    if t < 2.0 * total:
        reasons.append(f"below detection: {t:.2f} nm with a standard uncertainty of {total:.2f} nm")
    covered = 1.0 - share if told else 1.0
    out |= {
        "thickness": max(t, 0.0), "thickness_unc": total, "thickness_stat_unc": stat, "thickness_common_unc": common,
        "mean_thickness": covered * max(t, 0.0),
        "mean_thickness_unc": float(np.hypot(covered * total, share_unc * max(t, 0.0) if told else 0.0)),
        "upper_limit": max(t, 0.0) + ONE_SIDED * total,
    }  # fmt: skip
    return out, patches, reasons
