"""Rules about lines and the energy scale: overlaps, wrong labels, unknown states, satellites, charge reference."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from surfspec import reference
from surfspec.reference import Position
from surfspec.xps.advice.rule import Finding, Rule
from surfspec.xps.advice.view import Line, View

#: Part of the area of a fit from which another line's expected area matters.
MATTERS = 0.01
#: Error of a position in eV that a corrected scale, and one that is not, can have.
SCALE_CORRECTED, SCALE_MEASURED = 1.0, 2.5
#: Distance in eV within which two energies of the table of reference lines are one.
STATE = 1.0
#: Rigid shift in eV from which a scale needs correction.
SHIFTED = 0.3
#: Lines of the satellite of a source that are looked for, and the distance in eV at which one coincides with a peak.
BRIGHT = 0.02
COINCIDES = 0.6
#: Uncertainty in eV of adventitious carbon as a reference that counts it.
CARBON_UNC = 0.1
#: Photon energies of anodes, eV.
ANODES = {"Al": 1486.6, "Mg": 1253.6}


def overlapping_lines(view: View) -> Iterator[Finding]:
    """Find lines of elements that are there, in the window and not in the model."""
    here = view.around.elements()
    if not here or view.x.size < 2:
        return
    shift = 0.0 if view.corrected else view.shift
    found = reference.lines_between(
        view.x[0] - shift, view.x[-1] - shift, photon_energy=view.photon_energy, elements=here
    )
    total = sum(one.area for one in view.cores())
    for other in _once(found, view):
        expected = _expected(other, view)
        share = expected / total if total > 0 else np.nan
        if np.isfinite(share) and share < MATTERS:
            continue
        pair = _known(other, view)
        low, high = other.span(view.photon_energy)
        text = f"{other.line} can lie at {low:.1f} to {high:.1f} eV, in the window and not in the model"
        if np.isfinite(share):
            text += f"; expected area {share:.0%} of the fitted one (Scofield factors alone)"
        if pair is not None:
            text += f"; {pair.reason}"
        if not other.verified:
            text += " (position unverified)"
        yield Finding(other.line, text, "check" if pair is not None else "note")


def possible_lines(view: View) -> Iterator[Finding]:
    """Find known overlaps with lines of elements that nobody has said to be there or not."""
    if view.around.complete:
        return
    told: dict[str, str] = {}
    for line in dict.fromkeys(one.line for one in view.cores(detected=False)):
        for pair in reference.overlaps():
            other = pair.other if _is(line, pair.line) else pair.line if _is(line, pair.other) else ""
            element = other.split(" ", maxsplit=1)[0]
            if other and element not in view.around.elements() and not _modelled(element, view):
                spans = [one.span(view.photon_energy) for one in reference.positions(other)]
                meets = reference.known_overlap(line, other, photon_energy=view.photon_energy) is not None
                if meets and any(low <= view.x[-1] and high >= view.x[0] for low, high in spans):
                    told.setdefault(other, pair.reason)
    if told:
        yield Finding("", "; ".join(f"{other}: {reason}" for other, reason in told.items()))


def wrong_labels(view: View) -> Iterator[Finding]:
    """Find components where no state of their line lies, and the lines of other elements that lie there."""
    slack = SCALE_CORRECTED if view.corrected else SCALE_MEASURED
    for one in view.cores():
        places = [p.span() for p in reference.positions(one.line)]
        if not places or not np.isfinite(one.center):
            continue
        at = one.center - (0.0 if view.corrected else view.shift)
        low = min(span[0] for span in places) - slack
        high = max(span[1] for span in places) + slack
        if low <= at <= high:
            continue
        where = f"{one.line} lies at {low + slack:.1f} to {high - slack:.1f} eV, and this component at {at:.1f} eV"
        others = _lines_at(at, one, view)
        if others:
            yield Finding(one.name, f"{where}, where {' or '.join(others)} can lie", "fault")
        else:
            yield Finding(one.name, where)


def unknown_states(view: View) -> Iterator[Finding]:
    """Find components on a corrected scale that lie at no known state of their line, though states are known."""
    if not view.corrected:
        return
    for one in view.cores():
        states = [s for s in reference.lines() if s.name == one.line and np.isfinite(s.energy)]
        if len(states) < 2 or not np.isfinite(one.center):
            continue
        energies = [s.energy for s in states]
        nearest = min(states, key=lambda s: abs(s.energy - one.center))
        between = min(energies) - STATE <= one.center <= max(energies) + STATE
        if not between:
            mark = "" if nearest.verified else ", unverified"
            yield Finding(
                one.name,
                f"at {one.center:.2f} eV, outside the known states of {one.line}, {min(energies):g} to "
                f"{max(energies):g} eV; the nearest is {nearest.state} ({nearest.energy:g} eV{mark})",
            )


def scale_not_corrected(view: View) -> Iterator[Finding]:
    """Find a scale that lies off its recipe and was not corrected."""
    if not view.corrected and abs(view.shift) > SHIFTED:
        yield Finding("", f"the recipe was found {view.shift:+.2f} eV off, and the scale is the measured one")


def carbon_reference(view: View) -> Iterator[Finding]:
    """Find a correction by adventitious carbon."""
    if str(view.attrs.get("charge_reference", "")) == "C 1s":
        energy, unc = view.attrs.get("charge_reference_energy", ""), view.attrs.get("charge_reference_energy_unc", 0.0)
        if not (isinstance(unc, float | int) and unc >= CARBON_UNC):
            yield Finding("C 1s", f"binding energies rest on C 1s at {energy} eV, whose own uncertainty is not counted")


def weak_reference(view: View) -> Iterator[Finding]:
    """Find a correction that was forced or is known badly."""
    note, unc = str(view.attrs.get("charge_note", "")), view.attrs.get("charge_shift_unc", 0.0)
    if note:
        yield Finding(str(view.attrs.get("charge_reference", "")), f"the charge correction was {note}")
    elif isinstance(unc, float) and unc > 0.1:
        yield Finding(str(view.attrs.get("charge_reference", "")), f"the shift is known to {unc:.2g} eV only")


def satellites(view: View) -> Iterator[Finding]:
    """Find X-ray satellites of a source without monochromator that the window shows and the model lacks."""
    anode = _anode(view)
    if not anode or any(one.satellite for one in view.lines):
        return
    for one in view.cores():
        for row in reference.table("xray_satellites").rows(anode=anode):
            if row["relative_height"] < BRIGHT or not np.isfinite(one.center):
                continue
            at, height = one.center - row["displacement"], one.height * row["relative_height"]
            if not view.x[0] <= at <= view.x[-1]:
                continue
            noise = float(view.sigma[int(np.argmin(np.abs(view.x - at)))])
            if not height > noise:
                continue
            on = [p.name for p in view.cores() if p is not one and abs(p.center - at) < COINCIDES]
            text = (
                f"{anode} {row['x_ray_line']} makes a satellite of it at {at:.1f} eV, {height / noise:.1f} sigma high"
            )
            yield Finding(one.name, text + (f", on {', '.join(on)}" if on else ""))


def _once(found: tuple[Position, ...], view: View) -> list[Position]:
    """Return the lines that the model lacks, one for each doublet: the stronger member."""
    own = {one.line for one in view.lines}
    regions = {_region(line) for line in own}
    augers = {one.element for one in view.lines if not one.core and not one.satellite}
    kept: dict[str, Position] = {}
    factors = reference.sensitivities("scofield")
    for one in found:
        if _region(one.line) in regions or (one.auger and one.element in augers):
            continue
        other = kept.get(_region(one.line))
        if other is None or factors.get(one.line, 0.0) > factors.get(other.line, 0.0):
            kept[_region(one.line)] = one
    return list(kept.values())


def _expected(other: Position, view: View) -> float:
    """Return the area that a core level should have, from the amount of its element; NaN where not known."""
    amount = view.around.amounts.get(other.element, 0.0)
    factor = reference.sensitivities("scofield").get(other.line, np.nan)
    seconds = view.seconds if view.seconds > 0 else 1.0
    return amount * factor * seconds if amount > 0 and not other.auger else float("nan")


def _known(other: Position, view: View) -> reference.Overlap | None:
    for one in view.cores(detected=False):
        pair = reference.known_overlap(one.line, other.line, photon_energy=view.photon_energy)
        if pair is not None:
            return pair
    return None


def _modelled(element: str, view: View) -> bool:
    return any(one.element == element for one in view.lines)


def _lines_at(energy: float, one: Line, view: View) -> list[str]:
    """Return lines of other elements that can lie at an energy: known overlaps first, else those that are there."""
    found = [p for p in reference.lines_between(energy, energy, photon_energy=view.photon_energy)
             if p.element != one.element]  # fmt: skip
    known = [p.line for p in found
             if reference.known_overlap(one.line, p.line, photon_energy=view.photon_energy) is not None]  # fmt: skip
    there = [p.line for p in found if p.element in view.around.elements() and p.line not in known]
    return [*known, *there]


def _anode(view: View) -> str:
    """Return the anode of a source that is said to have no monochromator, or ``""``."""
    words = " ".join(str(view.attrs.get(key, "")) for key in ("source", "x_ray_source", "source_label")).lower()
    if not words.strip() and np.isfinite(view.photon_energy) and abs(view.photon_energy - ANODES["Mg"]) < 1.0:
        return "Mg"  # magnesium sources have no monochromator
    if not words.strip() or "mono" in words.replace("non-mono", "").replace("nonmono", "").replace("no mono", ""):
        return ""
    said = any(word in words for word in ("non-mono", "nonmono", "no mono", "twin", "achromatic", "dual anode"))
    energy = view.photon_energy
    for anode, value in ANODES.items():
        if np.isfinite(energy) and abs(energy - value) < 1.0 and (said or anode == "Mg"):
            return anode
    return ""


def _region(line: str) -> str:
    return line[:-3] if line[-2:-1] == "/" else line


def _is(line: str, region: str) -> bool:
    return line == region or _region(line) == region


RULES = (
    Rule(
        "overlap", "check", "a line of an element that is there lies in the window and not in the model",
        "Add the line to the recipe, cut it off the window, or use another line of the element",
        "ISO 19830; tables xps_positions and xps_overlaps with their sources", overlapping_lines,
    ),
    Rule(
        "possible overlap", "note", "a line that is known to be mistaken for, or to lie under, those of the fit",
        "Look for another line of the element in the survey, or name the elements of the sample in elements=",
        "table xps_overlaps with its sources", possible_lines,
    ),
    Rule(
        "wrong line", "check", "a component lies where no chemical state of its line does",
        "Label the component with the line that it is: its sensitivity factor follows the label",
        "table xps_positions with its sources; ISO 18118 for what the factor belongs to", wrong_labels,
    ),
    Rule(
        "unknown state", "note", "a component lies outside all known states of its line",
        "Check the charge correction, or name the state and its source in the recipe",
        "table xps_lines with its sources", unknown_states,
    ),
    Rule(
        "scale not corrected", "check", "the energy scale is shifted and was not corrected",
        "Correct it with charge_correct before binding energies are read off",
        "ISO 19318", scale_not_corrected,
    ),
    Rule(
        "carbon reference", "note", "binding energies rest on adventitious carbon",
        "Give its uncertainty in energy_unc=, 0.2 eV or more, or refer to a line of the sample; of layers and mixtures "
        "that charge apart no single reference is right",
        "ISO 19318; Greczynski and Hultman, Prog. Mater. Sci. 107 (2020) 100591", carbon_reference,
    ),
    Rule(
        "weak reference", "check", "the charge correction was forced or is known badly",
        "Choose a reference line that the data determine, or compare distances between lines only",
        "ISO 19318", weak_reference,
    ),
    Rule(
        "satellite", "check", "a satellite of the X-ray source lies in the window and not in the model",
        "Model the satellites of the anode, or cut them off the window",
        "table xray_satellites with its sources", satellites,
    ),
)  # fmt: skip
