"""Rules about peaks: widths, doublets, distances, states without area."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations

import numpy as np

from surfspec import reference
from surfspec.xps.advice.rule import Finding, Rule
from surfspec.xps.advice.view import Line, Number, View

#: Distance from a limit, relative to its range, at which a number stands at it.
AT_LIMIT = 1e-3
#: Narrowest line in eV that monochromatic Al K-alpha leaves, and the widths of the lines themselves.
MONOCHROMATIC = 0.2
#: Width in eV, beyond the natural one, that neither instruments nor single states of solids reach.
WIDEST = 3.5
#: Ratio of widths of two states of one line that wants a reason.
UNEQUAL = 2.5
#: Relative error that an area ratio may have beyond theory, and standard uncertainties it must be off.
RATIO, SIGMAS = 0.10, 3.0
#: Error in eV that a splitting may have: of the table of reference lines, and of the elements' binding energies.
SPLITTING, SPLITTING_ELEMENT = 0.15, 0.6
#: Distance over the smaller width below which two equal Gauss lines show one maximum (Sparrow), and hardly differ.
SPARROW, HARDLY = 0.849, 0.5
_MEMBER = re.compile(r"(?P<level>[A-Z][a-z]? \d[spdf])(?P<j>[1357])/2")


def widths_at_limits(view: View) -> Iterator[Finding]:
    """Find widths that stand at a limit of the recipe."""
    for one in view.numbers:
        role = one.name.split()[-1]
        span = one.high - one.low
        if not role.startswith("fwhm") or not np.isfinite(span) or span <= 0 or not _drawn(one, view):
            continue
        if one.value - one.low <= AT_LIMIT * span:
            zero = role == "fwhm_lorentz" and one.low == 0
            text = f"{one.name} stands at its lower limit, {one.low:g} eV"
            yield Finding(one.name, text + ("; a level has a lifetime" if zero else ""), "note" if zero else "")
        elif one.high - one.value <= AT_LIMIT * span:
            yield Finding(one.name, f"{one.name} stands at its upper limit, {one.high:g} eV")


def narrow_lines(view: View) -> Iterator[Finding]:
    """Find core levels narrower than their natural width or than the source."""
    for one in view.cores():
        natural = _natural_width(one.line)
        source = MONOCHROMATIC if abs(view.photon_energy - 1486.6) < 1.0 else 0.0
        least = max(natural, source)
        unc = one.fwhm_unc if np.isfinite(one.fwhm_unc) else 0.0
        if np.isfinite(one.fwhm) and one.fwhm + 2 * unc < least:
            why = f"natural width {natural:.2g} eV" if natural >= source else f"source {source:g} eV"
            yield Finding(one.name, f"FWHM {one.fwhm:.2f} eV is below what is possible ({why})")


def wide_lines(view: View) -> Iterator[Finding]:
    """Find core levels wider than a single state can be."""
    for one in view.cores():
        most = WIDEST + _natural_width(one.line) + _hidden_splitting(one.line)
        unc = one.fwhm_unc if np.isfinite(one.fwhm_unc) else 0.0
        if np.isfinite(one.fwhm) and one.fwhm - 2 * unc > most:
            yield Finding(one.name, f"FWHM {one.fwhm:.2f} eV is above {most:.1f} eV")


def unequal_widths(view: View) -> Iterator[Finding]:
    """Find states of one level with very different widths: one finding for all states of a level."""
    known = [one for one in view.cores() if one.fwhm > 0 and one.fwhm_unc > 0]
    told: set[str] = set()
    for line in dict.fromkeys(one.line for one in known):
        states = sorted((one for one in known if one.line == line), key=lambda one: one.fwhm)
        pairs = [pair for pair in combinations(states, 2) if _unequal(view, *pair)]
        if not pairs or _region(line) in told:
            continue
        told.add(_region(line))  # the other line of a doublet has the same widths
        thin, thick = max(pairs, key=lambda pair: pair[1].fwhm / pair[0].fwhm)
        odd = {one.name for pair in pairs for one in pair}
        names = [one.name for one in known if one.line == line and one.name in odd]
        count = "two" if len(names) == 2 else str(len(names))
        text = f"FWHM {thin.fwhm:.2f} to {thick.fwhm:.2f} eV of {count} states of {line}"
        yield Finding(", ".join(names), text)


def _unequal(view: View, thin: Line, thick: Line) -> bool:
    """Tell whether two states have widths that differ beyond their uncertainties."""
    if _of_one_multiplet(view, thin, thick):
        return False
    return thick.fwhm - 2 * thick.fwhm_unc > UNEQUAL * (thin.fwhm + 2 * thin.fwhm_unc)


def doublet_ratios(view: View) -> Iterator[Finding]:
    """Find doublets whose area ratio is that of no theory."""
    factors = reference.sensitivities("scofield")
    for strong, weak in doublets(view):
        degeneracy = (_j(weak) + 1) / (_j(strong) + 1)
        scofield = factors.get(weak.line, np.nan) / factors.get(strong.line, np.nan)
        theory = [one for one in (degeneracy, scofield) if np.isfinite(one)]
        ratio = weak.area / strong.area
        unc = _ratio_uncertainty(view, strong, weak)
        excess = max(min(theory) * (1 - RATIO) - ratio, ratio - max(theory) * (1 + RATIO))
        if excess > 0 and max(min(theory) - ratio, ratio - max(theory)) > SIGMAS * unc:
            texts = " and ".join(f"{one:.3f}" for one in theory)
            yield Finding(
                f"{strong.name}, {weak.name}", f"area ratio {ratio:.3f}; theory: {texts} ((2j+1) and cross-sections)"
            )


def doublet_splittings(view: View) -> Iterator[Finding]:
    """Find doublets whose splitting is not that of the level."""
    for strong, weak in doublets(view):
        split = weak.center - strong.center
        table = [one.splitting for one in reference.lines() if one.name == strong.line and one.splitting > 0]
        places = {p.line: p.energy for p in reference.positions(strong.line) + reference.positions(weak.line)}
        if table:
            wanted, slack, source = table[0], SPLITTING + 0.02 * table[0], "reference lines"
        elif len(places) == 2:
            wanted, source = places[weak.line] - places[strong.line], "binding energies of the element"
            slack = SPLITTING_ELEMENT
        else:
            continue
        unc = _splitting_uncertainty(view, strong, weak)
        if abs(split - wanted) > slack + SIGMAS * unc:
            yield Finding(f"{strong.name}, {weak.name}", f"splitting {split:.2f} eV; the {source} have {wanted:.2f} eV")


def close_pairs(view: View) -> Iterator[Finding]:
    """Find two components nearer than two lines can be told apart."""
    partners = {frozenset((a.name, b.name)) for a, b in doublets(view)}
    for a, b in combinations([one for one in view.lines if one.detected and not one.satellite], 2):
        if frozenset((a.name, b.name)) in partners or _of_one_multiplet(view, a, b):
            continue
        if _region(a.line) != _region(b.line) or _j(a) != _j(b):
            continue
        width, apart = min(a.fwhm, b.fwhm), abs(a.center - b.center)
        if not width > 0 or not apart < SPARROW * width:
            continue
        text = f"{apart:.2f} eV apart with a FWHM of {width:.2f} eV: two such lines show one maximum"
        yield Finding(f"{a.name}, {b.name}", text, "check" if apart < HARDLY * width else "note")


def states_without_area(view: View) -> Iterator[Finding]:
    """Find states that the data do not show."""
    for one in view.lines:
        if not one.detected and not one.satellite and np.isfinite(one.area) and np.isfinite(one.area_unc):
            share = one.area / max(sum(other.area for other in view.lines), 1e-300)
            yield Finding(one.name, f"its area is {one.area:.3g} +- {one.area_unc:.2g}, {share:.1%} of all")


def peaks_outside(view: View) -> Iterator[Finding]:
    """Find components whose centre lies outside the window."""
    for one in view.lines:
        if np.isfinite(one.center) and not one.satellite and not view.x[0] <= one.center <= view.x[-1]:
            yield Finding(
                one.name, f"its centre, {one.center:.2f} eV, is outside {view.x[0]:.2f} to {view.x[-1]:.2f} eV"
            )


def doublets(view: View) -> list[tuple[Line, Line]]:
    """Return the pairs (stronger, weaker line) of one state, both there.

    A pair has the same level, different j, and the same species; where a level has one line of each j, they are a
    pair whatever they are called.

    Parameters
    ----------
    view
        One member of a fit.
    """
    found = []
    members = [one for one in view.cores() if _MEMBER.fullmatch(one.line) and one.area > 0]
    for level in dict.fromkeys(_region(one.line) for one in members):
        strong = [one for one in members if _region(one.line) == level and _j(one) == _largest_j(level)]
        weak = [one for one in members if _region(one.line) == level and _j(one) == _largest_j(level) - 2]
        if len(strong) == len(weak) == 1:
            found.append((strong[0], weak[0]))
            continue
        found += [
            (a, b) for a in strong for b in weak
            if a.species == b.species and sum(c.species == b.species for c in weak) == 1
            and sum(c.species == a.species for c in strong) == 1
        ]  # fmt: skip
    return found


def _drawn(one: Number, view: View) -> bool:
    """Tell whether a component that a number belongs to is there."""
    owner = one.name.rsplit(" ", 1)[0]
    lines = [line for line in view.lines if line.name == owner or line.name.startswith(f"{owner} ")]
    return any(line.detected for line in lines) or not lines


def _ratio_uncertainty(view: View, strong: Line, weak: Line) -> float:
    """Return the standard uncertainty of the ratio of two areas: 0 where the recipe fixes it or nothing is known."""
    a, b = view.lines.index(strong), view.lines.index(weak)
    gradient = np.array([-weak.area / strong.area**2, 1 / strong.area])
    variance = float(gradient @ view.area_covariance[np.ix_([a, b], [a, b])] @ gradient)
    return float(np.sqrt(variance)) if variance > 0 else 0.0


def _splitting_uncertainty(view: View, strong: Line, weak: Line) -> float:
    """Return the standard uncertainty of a splitting: of one object its own, of two peaks that of both centres."""
    for name in () if view.recipe is None else (one.name for one in view.recipe.doublets):
        if strong.name.startswith(f"{name} ") and weak.name.startswith(f"{name} "):
            own = [one.unc for one in view.numbers if one.name == f"{name} splitting" and np.isfinite(one.unc)]
            return own[0] if own else 0.0
    return float(np.linalg.norm([one.center_unc for one in (strong, weak) if np.isfinite(one.center_unc)]))


def _of_one_multiplet(view: View, a: Line, b: Line) -> bool:
    """Tell whether two components are lines of one multiplet, which move together."""
    names = () if view.recipe is None else tuple(one.name for one in view.recipe.multiplets)
    return any(a.name.startswith(f"{name} ") and b.name.startswith(f"{name} ") for name in names)


def _natural_width(line: str) -> float:
    """Return the natural width of a line in eV, 0 where not known."""
    found = [one.natural_width for one in reference.positions(line) if np.isfinite(one.natural_width)]
    return min(found, default=0.0)


def _hidden_splitting(line: str) -> float:
    """Return the splitting that a doublet fitted as one line hides, eV."""
    places = [one.energy for one in reference.positions(line)]
    return max(places) - min(places) if len(places) == 2 else 0.0


def _j(one: Line) -> int:
    """Return 2j of a line, 0 where its label has none."""
    match = _MEMBER.fullmatch(one.line)
    return int(match["j"]) if match else 0


def _largest_j(level: str) -> int:
    return 2 * "spdf".index(level[-1]) + 1


def _region(line: str) -> str:
    match = _MEMBER.fullmatch(line)
    return match["level"] if match else line


RULES = (
    Rule(
        "width at limit", "check", "a width stands at a limit of the recipe",
        "Widen the range where the limit is no knowledge, or fix the width and say why",
        "ISO 19830 (constraints of a peak fit are reported)", widths_at_limits,
    ),
    Rule(
        "line too narrow", "fault", "a core level is narrower than its lifetime or the source allow",
        "It fits noise, a spike or a step of the background: remove it, or check the energy scale and the smoothing",
        "Campbell and Papp, At. Data Nucl. Data Tables 77 (2001) 1", narrow_lines,
    ),
    Rule(
        "line too wide", "check", "a core level is wider than a single state can be",
        "Look for several states, differential charging, or a background that is fitted as a peak",
        "ISO 19830", wide_lines,
    ),
    Rule(
        "unequal widths", "note", "states of one line have very different widths",
        "Give them a common width (follows:) unless one is a metal and the other is not",
        "ISO 19830", unequal_widths,
    ),
    Rule(
        "doublet ratio", "check", "the area ratio of a doublet is far from theory",
        "Fit the pair as one doublet, or look for another line or a background under one of them",
        "(2j+1); Scofield, J. Electron Spectrosc. 8 (1976) 129", doublet_ratios,
    ),
    Rule(
        "doublet splitting", "check", "the splitting of a doublet is far from that of the level",
        "Fix the splitting at its tabulated value, or check the calibration of the energy scale (ISO 15472)",
        "tables xps_lines and xps_positions with their sources", doublet_splittings,
    ),
    Rule(
        "close pair", "note", "two states are nearer than two lines can be told apart",
        "Let one follow the other at a known distance, or report their sum only",
        "Sparrow, Astrophys. J. 44 (1916) 76: equal Gauss lines merge below 0.849 FWHM", close_pairs,
    ),
    Rule(
        "state without area", "note", "a state of the recipe is not seen",
        "Leave it out of the recipe, or report the upper limit", "ISO 19830", states_without_area,
    ),
    Rule(
        "peak outside window", "fault", "the centre of a component lies outside the fitted window",
        "Widen the window, or narrow the range of the centre", "ISO 19830", peaks_outside,
    ),
)  # fmt: skip
