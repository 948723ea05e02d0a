"""What a study found, and what is to be checked, as sentences: built from the content of ``results.json``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from surfspec.display import value_text
from surfspec.report import content_joint, layout
from surfspec.report.content import Results, part, patterns

#: Standard uncertainties below which a value that passes the test of detection is called "hardly" detected.
CLEAR: Final = 2.0
#: Smaller chances are called smaller than this: no model of the noise is good enough for more.
LEAST_P: Final = 1e-12


def findings(results: Results) -> dict[str, list[str]]:
    """Return one sentence for each thing that was found, by technique."""
    xps: list[str] = []
    for name, one in part(results, "xps"):
        if one["charge_shift"]:
            xps.append(f"{name}: charge correction: {_q(one['charge_shift'])} taken off the binding energies.")
        ratios = [f"{region} {_q(value)}" for region, value in one["normalised_area"].items() if value]
        if ratios:
            xps.append(f"{name}: areas relative to the reference line: {'; '.join(ratios)}.")
        if "thickness_detail" in one:
            xps.append(_layer(name, one))
    leis = [line for name, one in part(results, "leis") for line in (*_detected(name, one), *_film(name, one))]
    xrd: list[str] = []
    for name, one in part(results, "xrd"):
        xrd += [_pattern(name, label, entry) for label, entry in one.items() if label != "changes"]
        xrd += [_change(name, change) for change in one.get("changes", [])]
    return {"XPS": xps, "LEIS": leis, "XRD": xrd, "XPS and LEIS together": content_joint.sentences(results)}


def _pattern(name: str, label: str, entry: Mapping[str, Any]) -> str:
    where = f"{name}{'' if label == layout.PATTERN else f', {label}'}"
    count = len(entry["unexplained"])
    left = [reason for reason in entry.get("reasons", []) if "not explained" in reason]
    part_only = bool(count or left)
    shown = ", ".join(_phase(phase, part_only=part_only) for phase in entry["phases"]) or "no phase identified"
    rest = [f"{count} line{'s' if count != 1 else ''} unexplained"] if count else []
    rest += [reason.removeprefix("model inadequate: ") for reason in left]
    if not rest:
        rest = ["every line explained"] if entry["phases"] else []
    return f"{'; '.join([f'{where}: {shown}', *rest])}."


def to_check(results: Results, notes: Mapping[str, list[tuple[str, str]]]) -> list[str]:
    """Return one sentence for everything that is not ok or not determined, with the reasons.

    Parameters
    ----------
    results
        The content of ``results.json``.
    notes
        By sample: what could not be determined, and why.
    """
    lines: list[str] = []
    for name, xps in part(results, "xps"):
        for region, verdict in xps["verdict"].items():
            lines += _not_ok(f"{name}, XPS {region}", verdict, xps["reasons"][region])
        if "thickness_detail" in xps:
            film = xps["thickness_detail"]
            lines += _not_ok(f"{name}, film thickness by XPS", film["verdict"], film["reasons"])
        lines += [f"{name}, XPS {_warning(one)}" for one in xps.get("warnings", []) if one["level"] != "note"]
    for name, leis in part(results, "leis"):
        told = [reason for _, reason in notes.get(name, [])]
        reasons = [reason for reason in leis["reasons"] if reason not in told]
        if reasons or leis["verdict"] != "check" or not told:  # else the notes below say all of it
            lines += _not_ok(f"{name}, LEIS", leis["verdict"], reasons or leis["reasons"])
    for name, label, entry in patterns(results):
        lines += _not_ok(f"{name}, XRD {label}", entry["verdict"], entry.get("reasons", []))
    for name, xrd in part(results, "xrd"):
        for one in xrd.get("changes", []):
            if one["change"] == "not determined":
                what = f"{name}, XRD, comparison of '{one['from']}' and '{one['to']}'"
                lines += _not_ok(what, one["verdict"], one["reasons"])
    for name, joint in content_joint.details(results):
        found = joint["detail"]
        lines += _not_ok(f"{name}, film by XPS and LEIS together", found["verdict"], found["reasons"])
    for name, noted in notes.items():
        lines += [f"{name}: {quantity} not determined: {reason}." for quantity, reason in noted]
    return lines


def _warning(one: Mapping[str, str]) -> str:
    about = f" ({one['about']})" if one["about"] else ""
    return f"{one['region']}, {one['code']}{about}: {one['reason']}. {one['remedy']}."


def _not_ok(what: str, verdict: str, reasons: list[str]) -> list[str]:
    if verdict == "ok":
        return []
    words = {"check": "needs checking", "failed": "failed"}
    return [f"{what} {words.get(verdict, verdict)}: {'; '.join(reasons) or 'no reason given'}."]


def _detected(name: str, leis: Mapping[str, Any]) -> list[str]:
    every = {element: series for element, series in leis["normalised_area"].items() if series}
    absent = [element for element, series in every.items() if not any(s["detected"] for s in series)]
    out = [f"{name}: LEIS detects no {', '.join(absent)} at any dose."] if absent else []
    for element, series in every.items():
        first = next((s for s in series if s["detected"]), None)
        if first is not None and first is not series[0] and first["dose"]:
            dose = value_text(first["dose"], 0.0, "ions/cm2").removesuffix(" (fixed)")
            ratio = _standard_uncertainties(first)
            verb = "hardly detects" if ratio is not None and ratio < CLEAR else "detects"
            out.append(f"{name}: LEIS {verb} {element} from {dose} on{_significance(first, ratio)}, not before.")
    return out


def _standard_uncertainties(entry: Mapping[str, Any]) -> float | None:
    """Return a value in units of its standard uncertainty; None where one of them is missing."""
    value, unc = entry.get("value"), entry.get("unc")
    return float(value) / float(unc) if value is not None and unc else None


def _significance(entry: Mapping[str, Any], ratio: float | None) -> str:
    """Return how sure a detection is: its chance without the element, and its value in standard uncertainties."""
    chance = entry.get("p_value")
    told = [] if chance is None else [f"p {f'< {LEAST_P:g}' if chance < LEAST_P else f'= {chance:.1g}'}"]
    told += [] if ratio is None else [f"{ratio:.1f} standard uncertainties"]
    return f" ({', '.join(told)})" if told else ""


def _film(name: str, leis: Mapping[str, Any]) -> list[str]:
    if not leis["coverage"]:
        return []
    covered = [one for one in leis["coverage"] if one["value"] is not None]
    told = []
    if len(leis["coverage"]) == 1 and covered:
        dose = covered[0]["dose"]
        at = f" at {value_text(dose, 0.0, 'ions/cm2').removesuffix(' (fixed)')}" if dose else ""
        told = [f"coverage {_q({**covered[0], 'unit': '1'})}{at}"]
    told += [
        f"{label} {_q(leis[key]) if leis[key] else 'not determined'}"
        for key, label in (
            ("zero_dose_coverage", "coverage at zero dose"),
            ("removal_cross_section", "removal cross-section"),
            ("thickness", "film thickness"),
        )
    ]
    budget = leis.get("sputter_budget_nm")
    if budget and all(limit is not None for limit in budget):
        told.append(f"the ions can have removed {budget[0]:.2g} to {budget[1]:.2g} nm in all")
    return [f"{name}: {'; '.join(told)}."]


def _layer(name: str, xps: Mapping[str, Any]) -> str:
    """Return what the XPS lines say about a film: its thickness, or the limits of it."""
    film = xps["thickness_detail"]
    what = f"{name}: {film['film']} on {film['substrate']} by XPS"
    if xps["thickness"] is not None and film["lower_limit"] is not None:
        told = [f"thickness {_q(xps['thickness'])}"]
        told += ["if the film is uniform"] if film["model"] == "uniform" else []
        told += [f"coverage {_q(film['coverage'])}"] if film["model"] == "patchy" and film["coverage"] else []
        return f"{what}: {', '.join(told)}."
    limits = [
        f"{word} {film[key]:.2g} nm"
        for key, word in (("lower_limit", "at least"), ("upper_limit", "at most"))
        if film[key] is not None
    ]
    mean = film["mean_thickness"]
    told = [f"coverage times thickness {_q(mean)}"] if mean else []
    return f"{what}: thickness {' and '.join(limits) or 'not determined'}{'; '.join(['', *told])}."


def _phase(phase: Mapping[str, Any], *, part_only: bool) -> str:
    """Return a phase with its share and, where nobody compared its card with its source, with that."""
    share, unc = phase.get("weight_fraction"), phase.get("weight_fraction_unc")
    card = "" if phase.get("verified", True) else f" (unverified card, grade {phase.get('trust')})"
    if share is None:
        return f"{phase['name']}{card}"
    told = value_text(100 * share, 100 * unc, "percent", style="plusminus") if unc else f"{100 * share:.3g} %"
    of = "of the identified crystalline part " if part_only else ""
    return f"{phase['name']}{card} {told.replace('(', '').replace(')', '')} {of}by weight"


def _change(name: str, change: Mapping[str, Any]) -> str:
    pair = f"from '{change['from']}' to '{change['to']}'"
    if change["phase"] is None:
        limit = change.get("limit")
        told = f" (no candidate came with more than {100 * limit:.2g} % by weight)" if limit else ""
        return f"{name}: {pair} {change['conclusion']}{told}."
    if change.get("weight_fraction"):
        old, new = (f"{100 * share:.2g}" for share in change["weight_fraction"])
        return (
            f"{name}: {change['phase']} {change['change']} {pair}, {old} to {new} % by weight of the identified part."
        )
    limit = change.get("detection_limit")
    told = f" (where absent, more than {100 * limit:.1g} % by weight would show)" if limit else ""
    only = ", seen by the difference of the patterns only" if change.get("seen_by") == ["difference"] else ""
    return f"{name}: {change['phase']} {change['change']} {pair}{told}{only}."


def _q(value: Mapping[str, Any]) -> str:
    unc = value["unc"]
    return value_text(value["value"], float("nan") if unc is None else unc, value["unit"])
