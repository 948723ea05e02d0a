r"""A measured pattern made ready for matching: uniform grid, variances, background basis and line widths.

The variance of a point is that of counting plus a model error, because no calculated pattern is exact (texture,
structure, profile shape):

.. math:: \sigma_i^2 = \mathrm{var}_i + N_c\,(\epsilon S_i)^2 + N_c\,(0.005\,b_i)^2

S is the net signal near the point, read off the data, so that it is the same for every hypothesis; eps is the
relative model error; N_c is the number of points within a line, because the model error of one line is common to
its points; b is the background.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, maximum_filter1d, median_filter
from scipy.optimize import nnls

from surfspec.errors import InputError
from surfspec.xrd.lines.background import clip_baseline, spline_basis
from surfspec.xrd.lines.peak_search import Peaks, counting_variance, search
from surfspec.xrd.patterns.wavelengths import Radiation

Array = NDArray[np.float64]

#: Points per FWHM of the grid on which hypotheses are compared.
POINTS_PER_LINE = 4.0
#: Relative model error assumed before a model is fitted.
MODEL_ERROR = 0.10
#: Relative error of the fitted background, which is smooth only on the scale of its knots.
BACKGROUND_ERROR = 0.005
#: Distance of neighbouring points, in steps of their neighbourhood, from which nothing was measured between them.
GAP = 2.5
#: Spacing of the knots of the fitted background, deg.
KNOT_SPACING = 9.0


@dataclass(frozen=True)
class Measured:
    """One pattern on a uniform grid, with all that the fit of hypotheses needs.

    Attributes
    ----------
    x, y
        2 theta (deg) and intensity, shape (n,).
    counting
        Variance from counting and the background model; infinite where nothing was measured.
    signal
        S, the net signal near each point.
    model_error
        eps.
    weight
        1/sigma, shape (n,); 0 where nothing was measured.
    basis
        Orthonormal columns of the weighted background, shape (n, k).
    raw_basis
        Background columns, not weighted.
    size, strain
        Typical line width H = size / cos(theta) + strain tan(theta), deg.
    peaks
        The peaks found.
    points
        N_c.
    """

    x: Array
    y: Array
    counting: Array
    signal: Array
    model_error: float
    weight: Array
    basis: Array
    raw_basis: Array
    size: float
    strain: float
    peaks: Peaks
    points: float

    @property
    def step(self) -> float:
        """Grid step, deg."""
        return float(self.x[1] - self.x[0])

    @property
    def seen(self) -> NDArray[np.bool_]:
        """True where something was measured, shape (n,)."""
        return np.isfinite(self.counting)

    @property
    def resolution(self) -> float:
        """Median line width, deg."""
        theta = np.radians(float(np.median(self.x))) / 2.0
        return float(self.size / np.cos(theta) + self.strain * np.tan(theta))

    @property
    def effective_points(self) -> float:
        """Independent pieces of information: the range in units of the line width."""
        return float((self.x[-1] - self.x[0]) / self.resolution)

    def project(self, columns: Array) -> Array:
        """Weight columns (n, m) and remove from them what the background can follow."""
        weighted = columns * (self.weight[:, None] if columns.ndim == 2 else self.weight)
        return np.asarray(weighted - self.basis @ (self.basis.T @ weighted))

    def with_model_error(self, model_error: float) -> Measured:
        """Return the same pattern weighted with another relative model error."""
        weight, basis = _weights(self.counting, self.signal, self.raw_basis, model_error, self.points)
        return replace(self, weight=weight, basis=basis, model_error=model_error)


def _weights(
    counting: Array, signal: Array, raw_basis: Array, model_error: float, points: float
) -> tuple[Array, Array]:
    weight = 1.0 / np.sqrt(counting + points * (model_error * signal) ** 2)
    basis, _ = np.linalg.qr(raw_basis * weight[:, None])
    return np.asarray(weight), np.asarray(basis)


def prepare(
    x: Array, y: Array, statistics: str, given: Array | None, light: Radiation, span: tuple[float, float] | None
) -> Measured:
    """Make a pattern ready for matching.

    Parameters
    ----------
    x, y
        2 theta (deg, rising) and intensity, shape (n,).
    statistics, given
        As for :func:`surfspec.xrd.lines.peak_search.counting_variance`.
    light
        Radiation.
    span
        Part of the pattern to use, deg; None for all.

    Returns
    -------
    Measured
        On a grid of about four points a line width.

    Raises
    ------
    InputError
        When fewer than 50 points or less than 5 deg remain.
    """
    if span is not None:
        inside = (x >= span[0]) & (x <= span[1])
        x, y, given = x[inside], y[inside], None if given is None else given[inside]
    if len(x) < 50 or x[-1] - x[0] < 5.0:
        raise InputError(
            f"{len(x)} points over {x[-1] - x[0] if len(x) else 0:.3g} deg are too few to identify phases",
            where="two_theta",
            remedy="Give a pattern of at least 5 deg and 50 points",
        )
    if float(np.ptp(y)) <= 0:
        raise InputError("the intensity is constant", where="intensity", remedy="Check that the right column was read")
    variance, _ = counting_variance(y, statistics, given)
    peaks = search(x, y, variance, light=light, quick=True)
    size, strain = _typical_width(peaks)
    middle = np.radians(float(np.median(x))) / 2.0
    width = size / float(np.cos(middle)) + strain * float(np.tan(middle))
    gx, gy, gv, missing = _rebin(x, y, variance, width / POINTS_PER_LINE)
    step = float(gx[1] - gx[0])
    points = max(width / step, 1.0)
    baseline = clip_baseline(gaussian_filter1d(gy, 1.0), round(8.0 * width / step))
    net = np.maximum(gaussian_filter1d(gy, 0.3 * points) - baseline, 0.0)
    signal = maximum_filter1d(net, 2 * round(0.5 * points) + 1)
    raw = _background_columns(gx, baseline, points)
    gv = gv + points * (BACKGROUND_ERROR * np.maximum(baseline, 0.0)) ** 2
    gv[missing] = np.inf
    weight, basis = _weights(gv, signal, raw, MODEL_ERROR, points)
    return Measured(
        gx, gy, gv, signal, MODEL_ERROR, weight, basis, raw,
        size, strain, peaks, points,
    )  # fmt: skip


def _background_columns(x: Array, baseline: Array, points: float) -> Array:
    """Smooth splines, and the clipped baseline of the data itself, which follows the humps of glass and foil.

    The baseline is smoothed over two line widths, and what the splines can follow is taken out of it.
    """
    raw = spline_basis(x, KNOT_SPACING)
    raw = raw / np.linalg.norm(raw, axis=0)
    smooth = gaussian_filter1d(baseline, 2.0 * points)
    solution, *_ = np.linalg.lstsq(raw, smooth, rcond=None)
    own = smooth - raw @ solution
    size = float(np.linalg.norm(own))
    return np.column_stack([raw, own / size]) if size > 1e-9 * float(np.linalg.norm(smooth)) else raw


def _typical_width(peaks: Peaks) -> tuple[float, float]:
    """Size and strain terms of the line width, by robust non-negative least squares over the strong peaks."""
    strong = peaks.significance > 8.0
    if np.count_nonzero(strong) < 3:
        return 0.12, 0.0
    theta = np.radians(peaks.two_theta[strong]) / 2.0
    width = peaks.fwhm[strong]
    matrix = np.stack([1.0 / np.cos(theta), np.tan(theta)], axis=1)
    weight = np.sqrt(np.minimum(peaks.significance[strong], 100.0))
    size, strain = float(np.median(width)), 0.0
    for _ in range(6):
        deviation = np.abs(width - matrix @ np.array([size, strain]))
        robust = weight / (1.0 + deviation / (0.2 * np.median(width)))
        size, strain = nnls(matrix * robust[:, None], width * robust)[0]
    return float(np.clip(size, 0.02, 2.0)), float(np.clip(strain, 0.0, 2.0))


def _rebin(x: Array, y: Array, variance: Array, target: float) -> tuple[Array, Array, Array, NDArray[np.bool_]]:
    """Average onto a uniform grid about `target` apart; the last array is True where nothing was measured."""
    apart = np.diff(x)
    step = float(np.median(apart))
    uneven = float(np.max(np.abs(apart - step))) > 0.05 * step
    count = max(round(target / step), 1)
    if uneven:
        return _rebin_uneven(x, y, variance, max(step, target))
    length = len(x) // count
    parts = [one[: length * count].reshape(length, count) for one in (x, y, variance)]
    grid = np.linspace(parts[0][0].mean(), parts[0][-1].mean(), length)
    return grid, parts[1].mean(axis=1), parts[2].mean(axis=1) / count, np.zeros(length, dtype=bool)


def _rebin_uneven(
    x: Array, y: Array, variance: Array, bin_width: float
) -> tuple[Array, Array, Array, NDArray[np.bool_]]:
    """Average the straight lines between points over each bin; a bin that lies more than half in gaps is missing.

    The variance is that of a mean of as many points as the bin is wide in steps of its neighbourhood.
    """
    apart = np.diff(x)
    gap = apart > GAP * median_filter(apart, size=11, mode="nearest")
    edges = np.arange(x[0], x[-1], bin_width)
    grid = 0.5 * (edges[1:] + edges[:-1])

    def mean(height: Array) -> Array:
        area = np.concatenate([[0.0], np.cumsum(height * apart)])
        return np.asarray(np.diff(np.interp(edges, x, area)) / bin_width)

    spread = np.interp(grid, x, variance) * np.interp(grid, 0.5 * (x[1:] + x[:-1]), np.where(gap, bin_width, apart))
    return grid, mean(0.5 * (y[1:] + y[:-1])), spread / bin_width, mean(gap.astype(np.float64)) > 0.5
