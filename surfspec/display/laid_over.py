"""One spectrum brought onto the points of another: interpolated, scaled and lifted by least squares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import schema
from surfspec.display import labels
from surfspec.display.residuals import point_unc
from surfspec.errors import InputError

Array = NDArray[np.float64]
#: Passes in which the scale enters its own weights, and sweeps of the Shirley step.
PASSES: Final = 20
SWEEPS: Final = 8
#: Fewer points than this are no comparison.
POINTS: Final = 5


@dataclass(frozen=True)
class Overlay:
    """The second spectrum on the points of the first, and the difference of the two."""

    x: Array
    first: Array
    second: Array
    unc: Array
    scale: float
    scale_unc: float
    chi2: float
    dof: int


def overlay(
    first: xr.Dataset, second: xr.Dataset, *, scale: float | None, shift: float, degree: int, step: bool = False
) -> Overlay:
    """Bring the second spectrum onto the points of the first, see :func:`plot_comparison`.

    With `step` the levels may also differ by a multiple of the Shirley step of the first.

    Raises
    ------
    InputError
        For less than five points in common, or spectra without a common scale above zero.
    """
    axis = schema.axis_of(first)
    x, other = first[axis].values, second[axis].values + shift
    used = (x >= other[0]) & (x <= other[-1])
    x, y = x[used], first["intensity"].values[used]
    if x.size < max(POINTS, degree + 3):
        raise InputError(
            f"the spectra have {x.size} points in common",
            where="plot_comparison",
            remedy="Compare spectra of the same region, or mend the shift",
        )
    known = all(labels.statistics_of(one) != "unknown" for one in (first, second))
    at = np.clip(np.searchsorted(other, x, side="right") - 1, 0, other.size - 2)
    part = (x - other[at]) / (other[at + 1] - other[at])
    values = second["intensity"].values
    moved = (1 - part) * values[at] + part * values[at + 1]
    own = point_unc(first)[used] ** 2 if known else np.ones(x.size)
    wide = point_unc(second) ** 2 if known else np.zeros(values.size)
    spread = (1 - part) ** 2 * wide[at] + part**2 * wide[at + 1]
    powers = np.vander(2 * (x - x.mean()) / np.ptp(x), max(degree + 1, 0), increasing=True)
    if step:
        powers = np.column_stack([powers, _step(x, y)])
    factor, unc, level = _solved(y, moved, own, spread, powers, scale)
    variance = own + factor**2 * spread
    left = y - factor * moved - level
    chi2 = float(np.sum(left**2 / np.where(variance > 0, variance, np.nan))) if known else np.nan
    dof = x.size - powers.shape[1] - (1 if scale is None else 0)
    sigma = np.sqrt(variance) if known else np.ones(x.size)
    scatter = 1.0 if known else float(np.sqrt(np.sum(left**2) / max(dof, 1)))
    return Overlay(x, y, factor * moved + level, sigma, factor, unc * scatter, chi2, dof)


def _step(x: Array, y: Array) -> Array:
    """Return the Shirley step, from 0 to 1: the running area above the background that it makes; zero without any."""
    ends = max(x.size // 20, 1)
    low, high = float(y[:ends].mean()), float(y[-ends:].mean())
    total = (x - x[0]) / (x[-1] - x[0])
    for _ in range(SWEEPS):
        net = y - low - (high - low) * total
        area = np.concatenate([[0.0], np.cumsum(np.diff(x) * (net[1:] + net[:-1]) / 2)])
        if not area[-1] > 0:
            return np.zeros(x.size)
        total = area / area[-1]
    return np.asarray(total, dtype=np.float64)


def _solved(
    y: Array, moved: Array, own: Array, spread: Array, powers: Array, scale: float | None
) -> tuple[float, float, Array]:
    """Return scale, its standard uncertainty (0 where given) and the polynomial on the points."""
    factor, unc = scale if scale is not None else 1.0, 0.0
    level = np.zeros(y.size)
    for _ in range(PASSES):
        variance = own + factor**2 * spread
        root = 1 / np.sqrt(np.where(variance > 0, variance, 1.0))
        columns = powers if scale is not None else np.column_stack([moved, powers])
        target = y - factor * moved if scale is not None else y
        if not columns.shape[1]:
            break
        found, *_ = np.linalg.lstsq(columns * root[:, None], target * root, rcond=None)
        if scale is not None:
            level = powers @ found
            break
        before, factor = factor, float(found[0])
        level = powers @ found[1:]
        inverse = np.linalg.pinv((columns * root[:, None]).T @ (columns * root[:, None]))
        unc = float(np.sqrt(max(inverse[0, 0], 0.0)))
        if abs(factor - before) <= 1e-10 * abs(factor):
            break
    if not factor > 0:
        raise InputError(
            f"the best scale is {factor:g}",
            where="plot_comparison",
            remedy="The spectra have no common shape; give a scale, or mend the shift",
        )
    return factor, unc, level
