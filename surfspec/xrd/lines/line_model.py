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
from scipy.sparse import csr_array

from surfspec.xrd.patterns.wavelengths import Radiation

Array = NDArray[np.float64]

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


def evaluate(x: Array, lines: LineValues, light: Radiation | None, reach: Array) -> tuple[Array, csr_array]:
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
    count = len(lines.height)
    rows, columns, values = [], [], []
    model = np.zeros(len(x))
    for ratio, weight in components(light):
        position, chain = moved(lines.center, ratio)
        low, high = np.searchsorted(x, position - reach), np.searchsorted(x, position + reach)
        lengths = high - low
        line = np.repeat(np.arange(count), lengths)
        index = np.arange(len(line)) - np.repeat(np.cumsum(lengths) - lengths - low, lengths)
        offset = x[index] - position[line]
        shape, slope, by_share, by_skew, scaled = _profile(offset, lines.take(line))
        height = weight * lines.height[line]
        model += np.bincount(index, height * shape, len(x))
        rows.append(index)
        columns.append(line)
        values.append(weight * shape)
        near = np.abs(offset) < NEAR * lines.width[line]
        at, which, h = index[near], line[near], height[near]
        s, r = slope[near], scaled[near]
        side = 1.0 + lines.skew[which] * np.where(offset[near] < 0, 1.0, -1.0)
        for kind, one in enumerate(
            (-h * s / (lines.width[which] * side) * chain[which], -h * r * s, h * by_share[near], h * by_skew[near]),
            start=1,
        ):
            rows.append(at)
            columns.append(which + kind * count)
            values.append(one)
    shape_of = (len(x), KINDS * count)
    return model, csr_array((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=shape_of)


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


def _profile(offset: Array, lines: LineValues) -> tuple[Array, Array, Array, Array, Array]:
    """Profile of unit height, d/dr, d/d share, d/d skew and r, one entry a point."""
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
    return value, slope, by_share, -slope * r * sign / side, r
