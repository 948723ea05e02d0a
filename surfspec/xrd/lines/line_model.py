r"""Sum of diffraction lines and its derivatives, as a sparse matrix.

A line of height h at c with FWHM w, Lorentzian share eta and asymmetry a is a split pseudo-Voigt

.. math:: h\,\frac{\eta\,\frac{2}{\pi}\frac{1}{1+4r^2} + (1-\eta)\,2\sqrt{\frac{\ln2}{\pi}}\,e^{-4\ln2\,r^2}}{p(\eta)},
   \qquad r = \frac{x - c}{w\,(1 \pm a)}

with the plus sign below c; p is the numerator at r = 0. The area is h w / p whatever the asymmetry. K-alpha2 follows
K-alpha1 at its own Bragg angle, with the same width and shape.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array

from surfspec.xrd.patterns.wavelengths import Radiation

Array = NDArray[np.float64]
Index = NDArray[np.int64]
Mask = NDArray[np.bool_]

#: Derivatives other than that of the height are cut at this many FWHM from the centre.
NEAR = 6.0
#: The tail of a line is drawn until it is below this share of the noise, at least to this many FWHM and at most to so
#: many that lines have on average :data:`MOST_POINTS` / (number of lines) points; the rest is in :func:`far_tails`.
TAIL, LEAST_REACH, MOST_POINTS = 0.1, 6.0, 40000
#: Columns of the Jacobian for each line: height, centre, ln width, Lorentzian share, asymmetry.
KINDS = 5
_LN2 = float(np.log(2.0))
_L0, _G0 = 2.0 / np.pi, 2.0 * float(np.sqrt(_LN2 / np.pi))


@dataclass(frozen=True)
class LineValues:
    """Heights, centres (deg), ln FWHM (ln deg), Lorentzian shares and asymmetries of lines, each of shape (m,)."""

    height: Array
    center: Array
    log_width: Array
    share: Array
    skew: Array

    @property
    def width(self) -> Array:
        """FWHM, deg."""
        return np.asarray(np.exp(self.log_width))

    @property
    def area(self) -> Array:
        """Area of the first wavelength's line, intensity times deg."""
        return np.asarray(self.height * self.width / peak_of(self.share))

    def stack(self) -> Array:
        """All values as one vector, kind by kind, shape (5 m,)."""
        return np.concatenate([self.height, self.center, self.log_width, self.share, self.skew])

    def take(self, index: NDArray[np.int64]) -> LineValues:
        """Return some of the lines, in the order of `index`."""
        return LineValues(*(one[index] for one in self.parts()))

    def parts(self) -> tuple[Array, ...]:
        """Return the five arrays."""
        return self.height, self.center, self.log_width, self.share, self.skew


def unstack(values: Array) -> LineValues:
    """Inverse of :meth:`LineValues.stack`."""
    return LineValues(*np.split(values, KINDS))


def peak_of(share: Array) -> Array:
    """Height of a pseudo-Voigt of unit area and unit FWHM."""
    return np.asarray(share * _L0 + (1.0 - share) * _G0)


def components(light: Radiation | None) -> list[tuple[float, float]]:
    """Return (wavelength ratio, intensity ratio) of each wavelength to the first; one line without a radiation."""
    if light is None:
        return [(1.0, 1.0)]
    first = light.wavelengths[0]
    return [(wave / first, one / light.weights[0]) for wave, one in zip(light.wavelengths, light.weights, strict=True)]


def moved(center: Array, ratio: float) -> tuple[Array, Array]:
    """Bragg angle (deg) at a wavelength `ratio` times the first, and its derivative with respect to `center`."""
    if ratio == 1.0:
        return center, np.ones_like(center)
    half = np.radians(center / 2.0)
    sine = np.minimum(np.sin(half) * ratio, 0.999999)
    return np.asarray(2.0 * np.degrees(np.arcsin(sine))), np.asarray(ratio * np.cos(half) / np.sqrt(1.0 - sine**2))


@dataclass(frozen=True)
class Windows:
    """Points at which each line is drawn, laid out once for many evaluations.

    Attributes
    ----------
    size, light
        Number of points, and the radiation.
    line, index, x
        Line, point number and angle of each place in the windows, line by line, shape (s,).
    near, far
        Places at which a line has derivatives other than that of its height; the others, where only the Lorentzian
        tail is left.
    rows, starts
        Row numbers and column starts of the Jacobian, compressed by columns.
    """

    size: int
    light: Radiation | None
    line: Index
    index: Index
    x: Array
    near: Index
    far: Index
    rows: NDArray[np.int32]
    starts: NDArray[np.int32]

    @classmethod
    def of(cls, x: Array, lines: LineValues, light: Radiation | None, reach: Array) -> Windows:
        """Lay out windows that go `reach` (deg, shape (m,)) beyond each line at all wavelengths."""
        places = np.array([moved(lines.center, ratio)[0] for ratio, _ in components(light)])
        first, last = places.min(axis=0), places.max(axis=0)
        low, high = np.searchsorted(x, first - reach), np.searchsorted(x, last + reach)
        count = high - low
        line = np.repeat(np.arange(len(count)), count)
        index = np.arange(len(line)) - np.repeat(np.cumsum(count) - count - low, count)
        at = x[index]
        close = (at > (first - NEAR * lines.width)[line]) & (at < (last + NEAR * lines.width)[line])
        near = np.flatnonzero(close)
        inner = np.bincount(line[near], minlength=len(count))
        rows = np.concatenate([index, np.tile(index[near], KINDS - 1)]).astype(np.int32)
        ends = np.cumsum(np.concatenate([[0], count, np.tile(inner, KINDS - 1)])).astype(np.int32)
        return cls(len(x), light, line, index, at, near, np.flatnonzero(~close), rows, ends)

    def evaluate(self, lines: LineValues) -> tuple[Array, csc_array]:
        """Sum lines that lie near those of the layout, with derivatives; see :func:`evaluate`."""
        value = np.zeros(len(self.x))
        slopes = np.zeros((KINDS - 1, len(self.near)))
        near, far = self.line[self.near], self.line[self.far]
        inner = lines.take(near)
        turn = -inner.height / inner.width
        near_x, far_x = self.x[self.near], self.x[self.far]
        tail = lines.share * _L0 / peak_of(lines.share)
        inside = np.zeros(len(near))
        for ratio, weight in components(self.light):
            position, chain = moved(lines.center, ratio)
            offset = near_x - position[near]
            shape, slope, by_share, by_skew, scaled, side = _profile(offset, inner)
            inside += weight * shape
            slope *= weight
            slopes[0] += slope * (chain[near] / side)
            slopes[1] -= slope * scaled
            slopes[2] += weight * by_share
            slopes[3] += weight * by_skew
            value[self.far] += _tail(far_x - position[far], lines, far) * (weight * tail)[far]
        slopes[0] *= turn
        slopes[1:] *= inner.height
        value[self.near] = inside
        return self._summed(np.concatenate([value, slopes.ravel()]), lines.height)

    def mixed(self, old: csc_array, new: csc_array, taken: Mask, height: Array) -> tuple[Array, csc_array]:
        """Take the columns of some values (shape (5 m,)) from a new evaluation, the others from an old one."""
        return self._summed(np.where(np.repeat(taken, np.diff(self.starts)), new.data, old.data), height)

    def _summed(self, data: Array, height: Array) -> tuple[Array, csc_array]:
        drawn = height[self.line] * data[: len(self.line)]
        model = np.bincount(self.index, drawn, self.size).astype(np.float64)
        return model, csc_array((data, self.rows, self.starts), shape=(self.size, KINDS * len(height)))


def evaluate(x: Array, lines: LineValues, light: Radiation | None, reach: Array) -> tuple[Array, csc_array]:
    """Sum the lines on a grid, with derivatives.

    Parameters
    ----------
    x
        2 theta, deg, rising, shape (n,).
    lines
        The m lines.
    light
        Radiation, None for one wavelength.
    reach
        How far each line is drawn on either side, deg, shape (m,); see :func:`reach_of` and :func:`far_tails`.

    Returns
    -------
    model, jacobian
        Shape (n,) and sparse (n, 5 m), columns kind by kind as in :meth:`LineValues.stack`.
    """
    return Windows.of(x, lines, light, reach).evaluate(lines)


def reach_of(lines: LineValues, noise: float, step: float) -> Array:
    """How far (deg) each line is drawn: until its tail is below a share of `noise`, the deviation of a point."""
    reach = np.sqrt(np.maximum(lines.height, 0.0) * np.clip(lines.share, 0.02, 1.0) / (4.0 * TAIL * max(noise, 1e-300)))
    most = MOST_POINTS * step / (2.0 * float(np.sum(lines.width))) if len(reach) else LEAST_REACH
    return np.asarray(np.clip(reach, LEAST_REACH, max(most, 2.0 * LEAST_REACH)) * lines.width)


def far_tails(x: Array, lines: LineValues, light: Radiation | None, reach: Array) -> Array:
    """Return what the lines add beyond their reach, shape (n,): Lorentzian tails, faint but everywhere."""
    far = np.zeros(len(x))
    top = lines.height * np.clip(lines.share, 0.0, 1.0) * _L0 / peak_of(lines.share) * np.square(lines.width) / 4.0
    for ratio, weight in components(light):
        position, _ = moved(lines.center, ratio)
        for at, strength, near in zip(position, weight * top, reach, strict=True):
            low, high = np.searchsorted(x, at - near), np.searchsorted(x, at + near)
            far[:low] += strength / np.square(x[:low] - at)
            far[high:] += strength / np.square(x[high:] - at)
    return far


def _profile(offset: Array, lines: LineValues) -> tuple[Array, Array, Array, Array, Array, Array]:
    """Profile of unit height, d/dr, d/d share, d/d skew, r, and the factor of the width, one entry a point."""
    sign = np.where(offset < 0, 1.0, -1.0)
    side = 1.0 + lines.skew * sign
    r = offset / (lines.width * side)
    squared = r * r
    lorentz = 1.0 / (1.0 + 4.0 * squared)
    gauss = np.exp(-4.0 * _LN2 * squared)
    peak = peak_of(lines.share)
    left, right = lines.share * _L0 / peak, (1.0 - lines.share) * _G0 / peak
    value = left * lorentz + right * gauss
    slope = -8.0 * r * (left * lorentz**2 + _LN2 * right * gauss)
    by_share = (_L0 * lorentz - _G0 * gauss - value * (_L0 - _G0)) / peak
    return value, slope, by_share, -slope * r * sign / side, r, side


def _tail(offset: Array, lines: LineValues, line: Index) -> Array:
    """Lorentzian of unit height of the given line at each offset."""
    before, after = (2.0 / (lines.width * (1.0 + sign * lines.skew)) for sign in (1.0, -1.0))
    return np.asarray(1.0 / (1.0 + np.square(offset * np.where(offset < 0, before[line], after[line]))))
