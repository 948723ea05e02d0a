"""Rules about data and background: window, end levels, sampling, detector, statistics."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from surfspec.xps.advice.rule import Finding, Rule
from surfspec.xps.advice.view import View

Array = NDArray[np.float64]

#: Points whose mean is an end level or a level of the data, and those that an end level needs at least.
MEAN, FEWEST = 11, 5
#: Widths from its centre at which a core level ends (0.2 % of the height of a Gauss line, a tenth of a Lorentz line),
#: and at which an Auger group does, whose width is that of several lines.
ENDS, AUGER_ENDS = 1.5, 1.0
#: Standard uncertainties of a mean by which a level falls, or a background lies above the data.
FALLS, ABOVE = 3.0, 5.0
#: Points within the width of the narrowest line that a fit needs.
PER_WIDTH = 4.0
#: Counts per second from which the dead time of a detector wants a look, and from which it is certain to matter.
FAST, TOO_FAST = 1e6, 1e7
#: Equal values in a row at the maximum, and the counts from which they are no chance.
EQUAL, MANY = 3, 1000.0
#: Variance of fourth differences over that of independent noise, and the points that are needed. Independent noise
#: falls below the limit with a probability of 1e-4 on 60 points and less on more; a mean of two points or more, a
#: Savitzky-Golay filter of five and linear interpolation to half the step stay below 0.21 (20,000 simulations).
SMOOTH, SMOOTH_POINTS, ORDER = 0.25, 60, 4
#: Reduced chi-square of counts that scatter too little.
QUIET = 0.6
#: Pass energy in eV of survey scans, and the distance of states that those do not resolve.
SURVEY, FINE = 80.0, 2.0


def falling_levels(view: View) -> Iterator[Finding]:
    """Find Shirley backgrounds whose level falls where losses should raise it."""
    kind = view.recipe.background.kind if view.recipe is not None else ""
    if not kind.startswith("shirley") or not np.all(np.isfinite(view.background)):
        return
    low, high = float(view.background[0]), float(view.background[-1])
    noise = float(np.hypot(view.sigma[0], view.sigma[-1])) / np.sqrt(MEAN)
    if high - low < -FALLS * noise:
        yield Finding(kind, f"the level falls from {low:.4g} to {high:.4g} towards higher binding energy")


def backgrounds_above(view: View) -> Iterator[Finding]:
    """Find backgrounds above the data."""
    if view.x.size < MEAN or not np.all(np.isfinite(view.background)):
        return
    excess = _mean((view.background - view.y) / view.sigma) * np.sqrt(MEAN)
    worst = int(np.argmax(excess))
    if excess[worst] > ABOVE:
        at = view.x[worst + MEAN // 2]
        yield Finding("", f"it lies above the mean of {MEAN} points at {at:.1f} eV, by {excess[worst]:.0f} sigma")


def narrow_windows(view: View) -> Iterator[Finding]:
    """Find windows that leave too few points beside the peaks for the levels of the background."""
    lines = [one for one in view.lines if one.detected and not one.satellite and np.isfinite(one.center + one.fwhm)]
    if not lines:
        return
    reach = {one.name: one.fwhm * (ENDS if one.core else AUGER_ENDS) for one in lines}
    first = min(lines, key=lambda one: one.center - reach[one.name])
    last = max(lines, key=lambda one: one.center + reach[one.name])
    for side, one, count in (
        ("lower", first, int(np.sum(view.x < first.center - reach[first.name]))),
        ("upper", last, int(np.sum(view.x > last.center + reach[last.name]))),
    ):
        if count < FEWEST:
            far = ENDS if one.core else AUGER_ENDS
            yield Finding(
                one.name, f"{count} points lie more than {far:g} FWHM beyond it at the {side} end; {FEWEST} are needed"
            )


def coarse_sampling(view: View) -> Iterator[Finding]:
    """Find lines with too few points."""
    widths = [(one.fwhm, one.name) for one in view.cores() if one.fwhm > 0]
    if widths and min(widths)[0] < PER_WIDTH * view.step:
        width, name = min(widths)
        yield Finding(name, f"a step of {view.step:.3g} eV puts {width / view.step:.1f} points within its FWHM")


def count_rates(view: View) -> Iterator[Finding]:
    """Find rates at which detectors lose counts."""
    rate = float(np.max(view.y))
    if view.units == "counts":
        rate = rate / view.seconds if view.seconds > 0 else float("nan")
    elif view.units != "counts/s":
        return
    if rate > FAST:
        yield Finding("", f"{rate:.2g} counts a second at the maximum", "check" if rate > TOO_FAST else "note")


def flat_tops(view: View) -> Iterator[Finding]:
    """Find maxima cut off at one value."""
    top = float(np.max(view.y))
    equal = np.concatenate(([0], (view.y == top).astype(int), [0]))
    ends = np.flatnonzero(np.diff(equal))
    longest = int(np.max(ends[1::2] - ends[::2], initial=0))
    if longest >= EQUAL and top > MANY:
        yield Finding("", f"{longest} points in a row have exactly the largest value, {top:g}")


def smoothed_data(view: View) -> Iterator[Finding]:
    r"""Find data whose neighbours are more alike than independent ones are.

    .. math:: v = \overline{(\Delta^4 r)^2} \,/\, \binom{8}{4}

    of the residuals r over their noise is 1 for independent noise. A model error raises it, if anything: fourth
    differences of what varies over several points are small. Where the noise is not known nothing is said.
    """
    rest = (view.y - view.model) / view.sigma
    if view.statistics == "unknown" or rest.size < SMOOTH_POINTS or not np.all(np.isfinite(rest)):
        return
    ratio = float(np.mean(np.diff(rest, ORDER) ** 2)) / comb(2 * ORDER, ORDER)
    if ratio < SMOOTH:
        yield Finding("", f"neighbouring points scatter with {ratio:.2f} of the variance that independent ones have")


def quiet_data(view: View) -> Iterator[Finding]:
    """Find counts that scatter less than counts do."""
    if view.reduced_chi2 < QUIET and view.x.size >= SMOOTH_POINTS:
        yield Finding("", f"reduced chi-square {view.reduced_chi2:.2f}")


def unknown_statistics(view: View) -> Iterator[Finding]:
    """Find data that do not say how they scatter."""
    if view.statistics == "unknown":
        yield Finding("", f"the intensity is in {view.units} and nothing says how many counts those are")


def survey_resolution(view: View) -> Iterator[Finding]:
    """Find states told apart at the pass energy of a survey."""
    said = view.attrs.get("pass_energy")
    energy = float(said) if isinstance(said, int | float) else 0.0
    if energy < SURVEY:
        return
    for a, b in combinations(view.cores(), 2):
        if a.line == b.line and abs(a.center - b.center) < FINE:
            yield Finding(
                f"{a.name}, {b.name}", f"{abs(a.center - b.center):.1f} eV apart at {energy:g} eV pass energy"
            )


def _mean(values: Array) -> Array:
    return np.convolve(values, np.full(MEAN, 1 / MEAN), mode="valid")


RULES = (
    Rule(
        "inverted step", "check", "a Shirley background falls towards higher binding energy",
        "Use a linear or smart background here, or a wider window; losses only raise the level",
        "Shirley, Phys. Rev. B 5 (1972) 4709", falling_levels,
    ),
    Rule(
        "background above data", "check", "the background lies above the data",
        "Move the ends of the window, or use another background",
        "ISO 20903", backgrounds_above,
    ),
    Rule(
        "window too narrow", "check", "the peaks reach the ends of the window",
        "Widen the window, or measure a wider region: the background swallows what it cannot see",
        "ISO 20903", narrow_windows,
    ),
    Rule(
        "coarse sampling", "check", "too few points within the width of a line",
        "Measure with a smaller step", "ISO 20903", coarse_sampling,
    ),
    Rule(
        "count rate", "note", "counts come so fast that the detector can lose some",
        "Check the linearity of the intensity scale, or lower the X-ray power", "ISO 21270", count_rates,
    ),
    Rule(
        "flat top", "fault", "the maximum is cut off", "Measure again at a lower rate", "ISO 21270", flat_tops,
    ),
    Rule(
        "smoothed data", "check", "the data were smoothed, interpolated or averaged, or are no counts",
        "Fit the data as they were measured: uncertainties and chi-square of smoothed data mean nothing",
        "von Neumann, Ann. Math. Stat. 12 (1941) 367 (differences of neighbours); limit by simulation", smoothed_data,
    ),
    Rule(
        "quiet data", "check", "the data scatter less than counts do",
        "Check that the intensity is counts: a rate or an average must be read with dwell_time and scans",
        "ISO 18115-1 (counts)", quiet_data,
    ),
    Rule(
        "statistics unknown", "note", "nothing says how the data scatter",
        "Read the file with dwell_time= and scans=, or give intensity_unc", "ISO 18115-1", unknown_statistics,
    ),
    Rule(
        "survey resolution", "note", "close states are fitted at the pass energy of a survey",
        "Measure the region at a lower pass energy", "ISO 18115-1 (pass energy)", survey_resolution,
    ),
)  # fmt: skip
