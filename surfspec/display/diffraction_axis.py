"""The horizontal axis of a powder pattern: the angle 2θ, the lattice spacing d or the scattering vector Q."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import AutoMinorLocator, Locator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from surfspec.display import style
from surfspec.display.checks import number
from surfspec.errors import InputError

Array = NDArray[np.float64]

#: Horizontal axis -> name and unit.
AXES: Final[dict[str, tuple[str, str]]] = {"two_theta": ("2θ", "deg"), "d": ("d", "angstrom"), "Q": ("Q", "angstrom-1")}

#: Lattice spacings worth a tick, the roundest first.
_SPACINGS: Final = (
    (1, 2, 5, 10, 20), (3, 4, 1.5), (1.2, 2.5, 6, 8, 15, 0.8, 0.6, 0.5), (1.1, 1.3, 1.4, 1.7, 3.5, 7, 0.9, 0.7),
)  # fmt: skip
#: Points from tick to tick of lattice spacings at least, and the part of the axis where its width is not known.
_POINTS: Final = 19.0
_APART: Final = 0.045


class SpacingLocator(Locator):
    """Round lattice spacings, thinned out on an axis that is even in 1/d."""

    def __call__(self) -> list[float]:
        """Return the ticks of the present view."""
        assert self.axis is not None  # noqa: S101 - matplotlib sets it before it asks for ticks
        low, high = self.axis.get_view_interval()
        frame = self.axis.axes if isinstance(self.axis, Axis) else None
        width = frame.get_window_extent().width * 72 / style.figure_of(frame).dpi if frame is not None else 0.0
        return self.thinned(float(low), float(high), _POINTS / width if width > _POINTS else _APART)

    def tick_values(self, vmin: float, vmax: float) -> list[float]:
        """Return the ticks between two spacings, on a page of usual width."""
        return self.thinned(vmin, vmax, _APART)

    def thinned(self, vmin: float, vmax: float, apart: float) -> list[float]:
        """Return the ticks between two spacings, at least a part of the axis from each other.

        Examples
        --------
        >>> SpacingLocator().thinned(8.8, 1.2, 0.045)
        [1.2, 1.3, 1.4, 1.5, 1.7, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 8.0]
        """
        low, high = sorted((vmin, vmax))
        if not 0 < low < high < math.inf:
            return []
        reach = apart * (1 / low - 1 / high)
        kept: list[float] = []
        for group in _SPACINGS:
            for value in sorted(group):
                if low <= value <= high and all(abs(1 / value - 1 / other) >= reach for other in kept):
                    kept.append(float(value))
        if len(kept) < 4:
            fine = MaxNLocator(nbins=6, steps=[1, 2, 5, 10]).tick_values(low, high)
            kept = [float(value) for value in np.round(fine, 9) if low <= value <= high]
        return sorted(kept)


def abscissa(two_theta: Array, axis: str, wavelength: float) -> Array:
    """Turn 2θ in degrees into the chosen axis: itself, d = λ / (2 sin θ) in angstrom or Q = 4π sin θ / λ in 1/angstrom.

    Examples
    --------
    >>> abscissa(np.array([28.443]), "d", 1.540598).round(3).tolist()
    [3.135]
    """
    if axis == "two_theta":
        return two_theta
    sine = np.sin(np.deg2rad(two_theta / 2))
    return wavelength / (2 * sine) if axis == "d" else 4 * math.pi * sine / wavelength


def wavelength_of(dataset: xr.Dataset, axis: str) -> float:
    """Return the wavelength of a Dataset in angstrom; NaN where it is not known and only 2θ is wanted."""
    value = dataset.attrs.get("wavelength", math.nan)
    known = float(value) if isinstance(value, int | float | np.number) else math.nan
    if axis != "two_theta" and not known > 0:
        raise InputError(
            f"the wavelength is not known, so there is no {axis} axis",
            where="attrs['wavelength']",
            remedy="Give the wavelength in angstrom to read() or match(), or use axis='two_theta'",
        )
    return known


def part_of(x: Array, window: object, axis: str) -> slice:
    """Return the points of a pattern inside a window, in the unit of the axis shown.

    Raises
    ------
    InputError
        For anything but two numbers with points between them.

    Examples
    --------
    >>> part_of(np.array([10.0, 20.0, 30.0, 40.0]), (15, 35), "two_theta")
    slice(1, 3, None)
    """
    if window is None:
        return slice(0, x.size)
    name, unit = AXES[axis]
    if not isinstance(window, tuple | list) or len(window) != 2:
        raise InputError(f"it is {window!r}", where="window", remedy=f"Pass (low, high) of {name}")
    low, high = sorted(number(end, -1e6, 1e6, "window", unit=unit) for end in window)
    inside = np.flatnonzero((x >= low) & (x <= high))
    if inside.size < 2:
        raise InputError(
            f"no part of the pattern lies between {low:g} and {high:g}",
            where="window",
            remedy=f"The pattern runs from {min(x[0], x[-1]):.4g} to {max(x[0], x[-1]):.4g} in {name}",
        )
    return slice(int(inside[0]), int(inside[-1]) + 1)


def span(ax: Axes, axis: str, first: float, last: float) -> None:
    """Set the limits of a horizontal axis: 2θ and Q rise to the right, d falls, evenly in 1/d as the angle does."""
    if axis == "d":
        ax.set_xscale("function", functions=(_negative_reciprocal, _negative_reciprocal))
    ax.set_xlim(first, last)


def tick(ax: Axes, axis: str) -> None:
    """Put the ticks of the horizontal axis, after its frame was dressed."""
    if axis == "d":
        ax.xaxis.set_major_locator(SpacingLocator())
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_formatter(style.TidyFormatter())
    else:
        ax.xaxis.set_minor_locator(AutoMinorLocator())


def name_axis(ax: Axes, axis: str) -> None:
    """Label the horizontal axis."""
    name, unit = AXES[axis]
    style.say(ax.xaxis.label, style.axis_text(name, unit))


def _negative_reciprocal(values: Array) -> Array:
    """Return -1/x, which rises with a lattice spacing and is its own inverse."""
    values = np.asarray(values, dtype=np.float64)
    return -1.0 / np.where(np.abs(values) < 1e-6, np.copysign(1e-6, values), values)
