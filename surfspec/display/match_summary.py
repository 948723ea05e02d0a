"""What one identification says, as lines of text: phases with their trust, what decides, what stays open."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import xarray as xr

from surfspec.display import labels
from surfspec.display.columns import aligned, columns_text, verdict_rows
from surfspec.display.text import number_text

#: Share of the signal of a pattern without explanation that a reader must know of.
SUBSTANTIAL: Final = 0.2
#: Lines without a phase, rivals and absent candidates that are written out at most.
LISTED: Final = 12
#: Probabilities of candidates that were not named, from which they are worth a line; of those called absent.
WORTH: Final = 0.02
DOUBTED: Final = 0.1
#: Change of a probability by the calibration from which both are written.
MOVED: Final = 0.02


def match_lines(member: xr.Dataset) -> list[str]:
    """Write one match: verdict first, then the phases, what else could be there, lines without explanation."""
    rows = verdict_rows(member)
    wavelength = member.attrs.get("wavelength", math.nan)
    if isinstance(wavelength, int | float | np.number) and math.isfinite(wavelength):
        name = str(member.attrs.get("wavelength_name", ""))
        rows.append(("wavelength", f"{number_text(float(wavelength), 8)} Å{f' ({name})' if name else ''}"))
    if "unknown_probability" in member and math.isfinite(float(member["unknown_probability"])):
        rows.append(("unlisted phase", labels.probability_text(float(member["unknown_probability"]))))
    lines = [*aligned(rows), *_phases(member), *_others(member), *_alternatives(member), *_unexplained(member)]
    return [*lines, *_absent(member), *_calibrated(member)]


def _phases(member: xr.Dataset) -> list[str]:
    if not member.sizes["phase"]:
        return ["no phase identified"]
    scale = 100 if str(member["weight_fraction"].attrs.get("units", "1")) == "1" else 1
    names, decided = labels.phase_names(member), _deciding(member)
    body = []
    for index in np.argsort(-np.nan_to_num(member["probability"].values, nan=-1.0), kind="stable"):
        phase = member.isel(phase=int(index))
        fraction, unc = float(phase["weight_fraction"].values), float(phase["weight_fraction_unc"].values)
        missing = str(int(phase["lines_missing"].values)) if "lines_missing" in phase else ""
        body.append([
            names[int(index)], str(phase["space_group"].values) if "space_group" in phase.coords else "",
            _bare(float(phase["probability"].values)), number_text(float(phase["score"].values), 3),
            labels.amount_text(scale * fraction, scale * unc, ""), decided.get(int(index), ""), missing, _card(phase),
        ])  # fmt: skip
    head = ["phase", "space group", "probability", "score", "wt %", "decided by", "missing", "card"]
    lines = columns_text(head, body)
    if partly_explained(member) and any(math.isfinite(float(one)) for one in member["weight_fraction"].values):
        lines.append("wt % are those of the identified crystalline part only: the pattern is not explained in full")
    return lines


def _calibrated(member: xr.Dataset) -> list[str]:
    """Say what the model gave where the calibration moved a probability."""
    pairs: list[tuple[str, float, float]] = []
    if "model_probability" in member:
        ids, after, before = (member[key].values for key in ("phase", "probability", "model_probability"))
        pairs = [(str(one), float(p), float(q)) for one, p, q in zip(ids, after, before, strict=True)]
    if "unknown_model_probability" in member and "unknown_probability" in member:
        stated, modelled = (float(member[key]) for key in ("unknown_probability", "unknown_model_probability"))
        pairs.append(("unlisted phase", stated, modelled))
    told = [f"{name} {labels.probability_text(before)}" for name, after, before in pairs if abs(after - before) > MOVED]
    return [f"before calibration: {'; '.join(told)}"] if told else []


def _card(phase: xr.Dataset) -> str:
    return labels.card_note(phase).replace(" card", "").replace("grade ", "")


def _bare(probability: float) -> str:
    return labels.probability_text(probability).removeprefix("p ").removeprefix("= ")


def _deciding(member: xr.Dataset) -> dict[int, str]:
    """Return the line that decides about each phase, where the match names it and the phase is among the candidates."""
    if "deciding_two_theta" not in member or "candidate" not in member.coords:
        return {}
    places = dict(zip(map(str, member["candidate"].values), member["deciding_two_theta"].values, strict=True))
    named = ((index, places.get(str(one), math.nan)) for index, one in enumerate(member["phase"].values))
    return {index: f"{float(place):.2f}°" if math.isfinite(place) else "no clean line" for index, place in named}


def _candidates(member: xr.Dataset) -> list[tuple[str, float, str, float]]:
    """Return id, probability, verdict and detection limit of the candidates that were not named as phases."""
    if "candidate" not in member.coords or "candidate_probability" not in member:
        return []
    named = {str(one) for one in member["phase"].values} if "phase" in member.coords else set()
    count = member.sizes["candidate"]
    verdicts = member["candidate_verdict"].values.astype(str) if "candidate_verdict" in member else [""] * count
    limits = member["detection_limit"].values if "detection_limit" in member else np.full(count, np.nan)
    every = zip(
        map(str, member["candidate"].values), map(float, member["candidate_probability"].values), verdicts,
        map(float, limits), strict=True,
    )  # fmt: skip
    return [one for one in every if one[0] not in named]


def _others(member: xr.Dataset) -> list[str]:
    """Name candidates that are not quite ruled out, and improbable ones that would hide under what was found."""
    worth, hidden = [], []
    for one in _candidates(member):
        if one[1] >= (DOUBTED if one[2] == "absent" else WORTH):
            worth.append(one)
        elif one[2] == "cannot tell":
            hidden.append(one)
    return _listed("not ruled out", worth, "seen from") + _listed("cannot tell", hidden, "hidden below")


def _listed(head: str, found: list[tuple[str, float, str, float]], limit_words: str) -> list[str]:
    if not found:
        return []
    found.sort(key=lambda one: -np.nan_to_num(one[1]))
    told = []
    for name, probability, _, limit in found[:LISTED]:
        shown = f", {limit_words} {number_text(100 * limit, 2)} wt %" if math.isfinite(limit) and limit < 1 else ""
        told.append(f"{name} ({labels.probability_text(probability)}{shown})")
    more = f" and {len(found) - LISTED} more" if len(found) > LISTED else ""
    return [f"{head} ({len(found)}): {'; '.join(told)}{more}"]


def _absent(member: xr.Dataset) -> list[str]:
    """Say from which weight fraction on absent candidates would have been seen."""
    absent = [one for one in _candidates(member) if one[2] == "absent" and math.isfinite(one[3])]
    if not absent:
        return []
    if len(absent) <= LISTED:
        told = "; ".join(f"{name} < {number_text(100 * limit, 2)} wt %" for name, _, _, limit in absent)
        return [f"absent ({len(absent)}): {told}"]
    limits = np.array([one[3] for one in absent]) * 100
    worst = absent[int(np.argmax(limits))][0]
    most, median = number_text(limits.max(), 2), number_text(float(np.median(limits)), 2)
    return [f"absent: {len(absent)} candidates, each below {most} wt % (that of {worst}; median {median})"]


def _alternatives(member: xr.Dataset) -> list[str]:
    """Name other sets of phases that explain the pattern too, and cards that cannot be told from a named one."""
    lines = []
    if "rival" in member.coords and member["rival"].dims == ("phase",):
        chance = (
            member["rival_probability"].values if "rival_probability" in member else [math.nan] * len(member["rival"])
        )
        why = member["rival_reason"].values if "rival_reason" in member.coords else [""] * len(member["rival"])
        told = [
            f"{other} for {one}{_because(float(share), str(reason))}"
            for one, other, share, reason in zip(
                member["phase"].values, member["rival"].values, chance, why, strict=True
            )
            if str(other)
        ]
        lines += [f"could also be: {'; '.join(told)}"] if told else []
    if "alternative_phases" in member.coords and "alternative_probability" in member:
        pairs = zip(member["alternative_phases"].values, member["alternative_probability"].values, strict=True)
        sets = [(str(text), float(share)) for text, share in pairs if str(text) and share >= WORTH]
        if len(sets) > 1:
            lines.append(f"sets: {'; '.join(f'{text} ({labels.probability_text(share)})' for text, share in sets)}")
    return lines


def unexplained_share(member: xr.Dataset) -> float:
    """Return the share of the signal that the phases of one match leave unexplained; NaN where it is not known."""
    share = member.attrs.get("unexplained_share", math.nan)
    return float(share) if isinstance(share, int | float | np.number) else math.nan


def partly_explained(member: xr.Dataset) -> bool:
    """Tell whether lines, or much of the signal, stay unexplained: weight fractions are then of a part alone."""
    if not member.sizes["phase"] or "not explained" in str(member["reasons"].values):
        return True
    if unexplained_share(member) > SUBSTANTIAL:
        return True
    return "peak_phase" in member and bool(np.any(_loose(member)))


def _loose(member: xr.Dataset) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return which peaks have a place and no phase."""
    return np.asarray((member["peak_phase"].values == -1) & np.isfinite(member["peak_two_theta"].values))


def _because(chance: float, reason: str) -> str:
    """Write the probability of a rival and why it looks alike, in brackets."""
    words = [*([labels.probability_text(chance)] if math.isfinite(chance) else []), *([reason] if reason else [])]
    return f" ({', '.join(words)})" if words else ""


def _unexplained(member: xr.Dataset) -> list[str]:
    if "peak_two_theta" not in member:
        return []
    peaks = member
    if "peak_phase" in member:
        peaks = member.isel(peak=np.flatnonzero(member["peak_phase"].values == -1))
    peaks = peaks.isel(peak=np.flatnonzero(np.isfinite(peaks["peak_two_theta"].values)))
    lines, peaks = _of_the_tube(peaks)
    return [*lines, *_without_phase(member, peaks)]


def _of_the_tube(peaks: xr.Dataset) -> tuple[list[str], xr.Dataset]:
    """Take out lines that other radiation of the tube makes of known ones, and name them."""
    if "origin" not in peaks.coords:
        return [], peaks
    origin, ghost = peaks["origin"].values.astype(str), labels.of_the_tube(peaks)
    places = peaks["peak_two_theta"].values
    told = [f"{places[at]:.2f}° ({origin[at]})" for at in np.flatnonzero(ghost)[:LISTED]]
    lines = [f"lines of other radiation ({np.count_nonzero(ghost)}): {'; '.join(told)}"] if told else []
    return lines, peaks.isel(peak=np.flatnonzero(~ghost))


def _without_phase(member: xr.Dataset, peaks: xr.Dataset) -> list[str]:
    """List lines without any explanation, or say that there is none."""
    count = peaks.sizes["peak"]
    if not count:
        if not partly_explained(member):
            return ["no line is unexplained"]
        share = unexplained_share(member)
        told = f"{100 * share:.0f} % of the signal" if math.isfinite(share) else "part of the signal"
        return [f"no single line stands out, yet {told} is not explained"]
    texts = []
    for index in range(min(count, LISTED)):
        peak = peaks.isel(peak=index)
        text = f"{float(peak['peak_two_theta'].values):.2f}°"
        extra = []
        if "peak_d" in peak and math.isfinite(float(peak["peak_d"].values)):
            extra.append(f"d {float(peak['peak_d'].values):.3f} Å")
        if "relative_intensity" in peak:
            extra.append(f"relative intensity {number_text(float(peak['relative_intensity'].values), 2)}")
        if "origin" in peak.coords and str(peak["origin"].values):
            extra.append(str(peak["origin"].values))
        texts.append(f"{text} ({', '.join(extra)})" if extra else text)
    more = f" and {count - LISTED} more" if count > LISTED else ""
    return [f"unexplained lines ({count}): {'; '.join(texts)}{more}"]
