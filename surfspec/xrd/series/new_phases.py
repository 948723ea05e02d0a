r"""How much of a phase may have come between two patterns: its whole pattern fitted to their difference.

All lines of a phase count together, so that less of it is seen than one line would show. The cell is tried at several
strains within its prior; the limit quoted is the largest of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d
from scipy.special import ndtri

from surfspec.xrd.lines.background import spline_basis
from surfspec.xrd.patterns import profile
from surfspec.xrd.patterns.optics import lorentz_polarisation
from surfspec.xrd.patterns.structure_factors import lines
from surfspec.xrd.patterns.wavelengths import Radiation
from surfspec.xrd.series.alignment import KNOTS, Aligned
from surfspec.xrd.series.difference import SHAPE
from surfspec.xrd.structures.phase import Phase

Array = NDArray[np.float64]

#: Relative strains of the cell that are tried, in standard deviations of its prior.
STRAINS: Final = (-2.0, -1.0, 0.0, 1.0, 2.0)
#: Standard deviation of that prior where the card states less.
STRAIN: Final = 0.001
#: Relative error of calculated line areas (texture), as a part of what is limited.
TEXTURE: Final = 0.3
#: Relative error of a drawn line in its tails, and how far these reach, in line widths.
TAIL: Final = 0.02
TAIL_REACH: Final = 3.0
#: Lines weaker than this share of the strongest are not drawn.
FAINT: Final = 1e-3
#: One-sided confidence of a limit.
CONFIDENCE: Final = 0.95


@dataclass(frozen=True)
class Change:
    """Change of the scale of one phase between two patterns, its uncertainty, significance and upper limit."""

    scale: float
    scale_unc: float
    significance: float
    limit: float


@dataclass(frozen=True)
class Optics:
    """How lines of a phase appear: radiation, zero and displacement shift (deg), monochromator angle (deg)."""

    light: Radiation
    zero: float = 0.0
    displacement: float = 0.0
    monochromator: float = 0.0


def phase_changes(
    aligned: Aligned, phases: Sequence[Phase], optics: Optics, false_alarm: float
) -> tuple[list[Change], list[str]]:
    """Fit the pattern of each phase to the difference; what one phase explains is no sign of another.

    The phase that explains most is taken first. Its lines, and the errors that texture and line shape make of them, go
    out of the difference before the others are judged again.

    Parameters
    ----------
    aligned
        The two patterns.
    phases
        Candidates.
    optics
        Radiation and line shifts of the second pattern.
    false_alarm
        Probability of one or more phases in noise.

    Returns
    -------
    changes, words
        In scales of m|F|^2 LP / V^2, NaN for a phase without lines in the range; and ``more``, ``less`` or ``none``.
    """
    level = float(-ndtri(false_alarm / max(2 * len(phases) * len(STRAINS), 1)))
    drawn = [_templates(phase, aligned, optics) for phase in phases]
    found = [Change(np.nan, np.nan, np.nan, np.nan)] * len(phases)
    accepted: list[int] = []
    chosen: list[Array] = []
    variance = aligned.variance.copy()
    while True:
        left = [place for place in range(len(phases)) if place not in accepted]
        tried, shapes = _fit(aligned, variance, [drawn[place] for place in left], chosen)
        for place, change in zip(left, tried, strict=True):
            found[place] = change
        scores = np.abs(np.nan_to_num([change.significance for change in tried]))
        if not left or not scores.max() > level:
            break
        best = int(np.argmax(scores))
        accepted.append(left[best])
        chosen.append(shapes[best])
        drawn_signal = np.abs(tried[best].scale) * shapes[best]
        lines_of = maximum_filter1d(drawn_signal, 2 * round(0.5 * aligned.points) + 1)
        tails = maximum_filter1d(drawn_signal, 2 * round(TAIL_REACH * aligned.points) + 1)
        variance = variance + aligned.points * ((TEXTURE * lines_of) ** 2 + (TAIL * tails) ** 2)
    words = ["none"] * len(phases)
    for place in accepted:
        words[place] = "more" if found[place].scale > 0 else "less"
    return found, words


def _templates(phase: Phase, aligned: Aligned, optics: Optics) -> Array:
    sigma = max(STRAIN, phase.cell_uncertainty or 0.0)
    return np.stack([template(phase, aligned.x, aligned.fwhm, optics, part * sigma) for part in STRAINS], axis=1)


def _fit(
    aligned: Aligned, variance: Array, drawn: Sequence[Array], chosen: Sequence[Array]
) -> tuple[list[Change], list[Array]]:
    """Fit each phase alone beside background and accepted phases; return the changes and the best templates."""
    weight = 1.0 / np.sqrt(variance)
    fixed = np.column_stack([spline_basis(aligned.x, KNOTS), *chosen]) * weight[:, None]
    basis, _ = np.linalg.qr(fixed)
    target = aligned.difference * weight
    target = target - basis @ (basis.T @ target)
    found, shapes = [], []
    for templates in drawn:
        columns = templates * weight[:, None]
        columns = columns - basis @ (basis.T @ columns)
        strength = np.sum(columns**2, axis=0)
        if not np.all(strength > 0):
            found.append(Change(np.nan, np.nan, np.nan, np.nan))
            shapes.append(templates[:, 0])
            continue
        scale, unc = columns.T @ target / strength, strength**-0.5
        best = int(np.argmax(np.abs(scale / unc)))
        limits = np.maximum(scale, 0.0) + float(ndtri(CONFIDENCE)) * np.hypot(unc, TEXTURE * np.maximum(scale, 0.0))
        spread = float(np.hypot(unc[best], TEXTURE * scale[best]))
        found.append(Change(float(scale[best]), spread, float(scale[best] / unc[best]), float(limits.max())))
        shapes.append(templates[:, best])
    return found, shapes


def template(phase: Phase, x: Array, fwhm: float, optics: Optics, strain: float = 0.0) -> Array:
    """Draw a phase at unit scale with every cell length enlarged by `strain`, shape of `x`."""
    light = optics.light
    found = lines(phase, min(light.wavelengths), float(x[-1]) + 1.0)
    strength = found.multiplicity * found.f_squared / found.volume**2
    places, areas, _ = profile.split_doublet(found.q / (1.0 + strain) ** 2, strength, light)
    seen = np.isfinite(places)
    places, areas = places[seen], areas[seen] * lorentz_polarisation(places[seen], optics.monochromator)
    shown = profile.shift(places, optics.zero, optics.displacement)
    inside = (shown > x[0] - 3 * fwhm) & (shown < x[-1] + 3 * fwhm)
    inside &= areas > FAINT * areas[inside].max(initial=0.0)
    return profile.draw(x, shown[inside], areas[inside], np.full(np.count_nonzero(inside), fwhm), SHAPE)
