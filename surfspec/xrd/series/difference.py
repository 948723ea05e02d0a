r"""Lines in the difference of two aligned patterns: which appeared, vanished, grew or shrank, and how surely.

A matched filter of one line width runs over the difference, its variance counted from both patterns. Noise alone passes
a level u somewhere in the pattern, up or down, with probability 2 N(>u) (Rice); the level is set to the false-alarm
probability asked for. The most significant line is taken out, with the K-alpha2 line that belongs to it, and the search
goes on in what is left.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from surfspec.xrd.lines.noise import false_alarms, gaussian_score, matched_filter
from surfspec.xrd.patterns.profile import pseudo_voigt
from surfspec.xrd.patterns.wavelengths import Radiation
from surfspec.xrd.series.alignment import Aligned

Array = NDArray[np.float64]

#: Lorentzian share of the lines taken out of the difference, and what of a line they may miss.
SHAPE = 0.5
SHAPE_ERROR = 0.15
#: Significance, by counting alone, up to which a line counts as not there in one of the two patterns.
ABSENT = 3.0
#: Significance that a line must have above a straight line through its surroundings in the difference, and standard
#: uncertainties by which its height may exceed the signal of the pattern that has it.
LOCAL = 2.0
#: How much higher than the smoothed signal above the baseline a line may be.
SMOOTHED = 2.0
#: Reach of the surroundings that tell, in line widths.
AROUND = 2.5
#: No more lines than these are looked for.
MOST = 80
_ROOT8LN2 = float(np.sqrt(8.0 * np.log(2.0)))


@dataclass(frozen=True)
class LineChange:
    """One line of the difference: place (deg), height and its uncertainty, significance, probability, what it did."""

    two_theta: float
    height: float
    height_unc: float
    significance: float
    false_alarm: float
    before: float
    after: float
    change: str


def threshold(span: float, fwhm: float, probability: float) -> float:
    """Significance that noise passes with this probability anywhere in a pattern, up or down.

    Examples
    --------
    >>> round(threshold(70.0, 0.12, 0.01), 2)
    4.55
    """

    def excess(level: float) -> float:
        return float(np.log(2.0 * false_alarms(np.array(level), span, fwhm))) - float(np.log(probability))

    return float(brentq(excess, 0.5, 12.0))


def score(aligned: Aligned, left: Array, variance: Array) -> Array:
    """Significance of a line at each point, with the skewness of counts taken off, shape (n,)."""
    sigma = aligned.fwhm / _ROOT8LN2 / aligned.step
    trace = matched_filter(left, variance, sigma)
    square, cube = sigma * np.sqrt(np.pi), sigma * np.sqrt(2.0 * np.pi / 3.0)
    skewness = cube / square**1.5 * aligned.third / variance**1.5
    up = gaussian_score(np.maximum(trace, 0.0), np.maximum(skewness, 0.0))
    down = gaussian_score(np.maximum(-trace, 0.0), np.maximum(-skewness, 0.0))
    return np.asarray(np.where(trace >= 0, up, -down))


def line_changes(aligned: Aligned, light: Radiation | None, probability: float) -> tuple[list[LineChange], float]:
    """Return the lines of the difference by falling significance, and the level they passed.

    Parameters
    ----------
    aligned
        The two patterns.
    light
        Radiation, so that the K-alpha2 line is no line of its own; None for one wavelength.
    probability
        Of one or more false lines in a pair of patterns that differ by noise.
    """
    x = aligned.x
    span = float(x[-1] - x[0])
    level = threshold(span, aligned.fwhm, probability)
    left, variance = aligned.difference.copy(), aligned.variance.copy()
    edge = round(aligned.fwhm / aligned.step)
    found: list[LineChange] = []
    for _ in range(MOST):
        trace = score(aligned, left, variance)
        trace[:edge] = trace[len(trace) - edge :] = 0.0
        index = int(np.argmax(np.abs(trace)))
        if abs(trace[index]) < level:
            break
        place = _peak(x, trace, index)
        shape = line_shape(x, place, aligned.fwhm, light)
        weight = 1.0 / variance
        strength = float(shape**2 @ weight)
        height, unc = float(shape @ (weight * left)) / strength, strength**-0.5
        old, new = _there(aligned, place, shape)
        chance = min(2.0 * float(false_alarms(np.array(abs(trace[index])), span, aligned.fwhm)), 1.0)
        # a line stands out of its surroundings in the difference; what does not is a bend of the background. It is no
        # higher than the signal that gained or lost it; what is so is a gap between tails of lines that came or went
        owner = aligned.net_after if height > 0 else aligned.net_before
        there = SMOOTHED * float(np.interp(place, x, owner)) + LOCAL * unc >= abs(height)
        if there and abs(_significance(aligned, left, variance, place, shape)) >= LOCAL:
            word = _word(height, old, new)
            found.append(LineChange(place, height, unc, float(trace[index]), chance, old, new, word))
        left = left - height * shape
        variance = variance + aligned.points * (SHAPE_ERROR * height * _widened(shape, aligned)) ** 2
    return found, level


def line_shape(x: Array, center: float, fwhm: float, light: Radiation | None) -> Array:
    """Line of unit height with its K-alpha2 companion, shape (n,)."""
    top = float(pseudo_voigt(np.zeros(1), np.ones(1), SHAPE)[0]) / fwhm
    value = pseudo_voigt(x - center, np.array(fwhm), SHAPE) / top
    if light is None or len(light.wavelengths) < 2:
        return np.asarray(value)
    for wave, weight in zip(light.wavelengths[1:], light.weights[1:], strict=True):
        sine = np.sin(np.radians(center / 2.0)) * wave / light.wavelengths[0]
        if sine < 1.0:
            place = 2.0 * np.degrees(np.arcsin(sine))
            value = value + weight / light.weights[0] * pseudo_voigt(x - place, np.array(fwhm), SHAPE) / top
    return np.asarray(value)


def _peak(x: Array, trace: Array, index: int) -> float:
    """Place of an extremum by a parabola through three points, deg."""
    if not 0 < index < len(x) - 1:
        return float(x[index])
    a, b, c = np.abs(trace[index - 1 : index + 2])
    curve = a - 2.0 * b + c
    move = 0.5 * (a - c) / curve if curve < 0 else 0.0
    return float(x[index] + np.clip(move, -0.5, 0.5) * (x[index + 1] - x[index - 1]) / 2.0)


def _there(aligned: Aligned, place: float, shape: Array) -> tuple[float, float]:
    """Significance of a line at one place of the first and of the second pattern, by counting alone."""
    first = np.maximum(aligned.counting - aligned.own, 0.0)
    first = np.maximum(first, 1e-12 * float(first.max(initial=1.0)))
    return (
        _significance(aligned, aligned.expected, first, place, shape),
        _significance(aligned, aligned.after, aligned.own, place, shape),
    )


def _significance(aligned: Aligned, y: Array, variance: Array, center: float, shape: Array) -> float:
    """Significance of a line at one place of one pattern above a straight line through its surroundings."""
    near = np.abs(aligned.x - center) < AROUND * aligned.fwhm
    design = np.column_stack([shape[near], np.ones(np.count_nonzero(near)), aligned.x[near] - center])
    weighted = design / variance[near][:, None]
    covariance = np.linalg.pinv(weighted.T @ design)
    return float((covariance @ (weighted.T @ y[near]))[0] / np.sqrt(max(covariance[0, 0], 1e-300)))


def _widened(shape: Array, aligned: Aligned) -> Array:
    """Envelope of a line somewhat wider than it is."""
    reach = max(round(0.3 * aligned.points), 1)
    return np.asarray(np.maximum(shape, np.maximum(np.roll(shape, -reach), np.roll(shape, reach))))


def _word(height: float, old: float, new: float) -> str:
    if height > 0:
        return "appeared" if old < ABSENT else "grew"
    return "vanished" if new < ABSENT else "shrank"
