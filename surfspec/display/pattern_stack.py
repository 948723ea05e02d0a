"""Many powder patterns in one frame: lines shifted upwards, a waterfall, or a map against the series coordinate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import xarray as xr
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from numpy.typing import NDArray

from surfspec.display import diffraction_axis as bragg
from surfspec.display import labels, style
from surfspec.display.checks import number
from surfspec.errors import InputError

Array = NDArray[np.float64]

KINDS: Final = ("auto", "lines", "waterfall", "map")
#: Patterns up to which each is a line by default.
LINES: Final = 15
#: Dark to light with rising intensity, even in grey.
COLOURS: Final = "cividis"
_SHADES: Final = ListedColormap(colormaps["cividis"](np.linspace(0, 0.85, 256)))


def draw_many(
    ax: Axes, named: Mapping[str, xr.Dataset], coordinate: xr.DataArray | None, kind: str, axis: str, yscale: str,
    normalise: str, offset: float, window: object,
) -> None:  # fmt: skip
    """Draw patterns by name into one frame; options as :func:`surfspec.display.plot_pattern` has them.

    Parameters
    ----------
    ax
        The frame.
    named
        Single patterns.
    coordinate
        Numbers of a series, for the map and the colours.
    kind, axis, yscale, normalise, offset, window
        How to draw them.
    """
    number(offset, 0, 100, "offset")
    curves = {name: _curve(one, axis, yscale, normalise, window) for name, one in named.items()}
    if kind == "map" or (kind == "auto" and len(named) > LINES and _one_grid(curves)):
        _map(ax, named, curves, coordinate, axis, yscale, normalise)
        return
    step = offset * max(float(np.nanmax(y) - np.nanmin(y)) for _, y in curves.values())
    shades = _colours(len(curves), coordinate)
    wide = [0.0, 0.0]
    for index, (name, (x, y)) in enumerate(curves.items()):
        lifted = y - np.nanmin(y) + index * step
        behind = 2.0 + (len(curves) - index) * 1e-3
        if kind == "waterfall":
            ax.fill_between(x, np.full(x.size, -step), lifted, facecolor="white", linewidth=0, zorder=behind)
        ax.plot(x, lifted, color=shades[index], linewidth=0.7, zorder=behind)
        wide = [float(x[0]), float(x[-1])] if not index else [_outer(wide[0], x[0], x), _outer(wide[1], x[-1], -x)]
        level = float(np.median(lifted[-max(x.size // 20, 1) :]))
        style.note(
            ax, 1.01, level, name, transform=ax.get_yaxis_transform(), va="center", ha="left", chemistry=True,
            size=6.5, color=style.readable(shades[index]),
        )  # fmt: skip
    top = max(float(np.nanmax(y) - np.nanmin(y)) + index * step for index, (_, y) in enumerate(curves.values()))
    ax.set_ylim(-0.03 * top, 1.06 * top)
    bragg.span(ax, axis, *wide)
    style.dress(ax)
    bragg.tick(ax, axis)
    ax.set_yticks([])
    style.say(ax.yaxis.label, f"{_quantity(yscale, normalise)}, shifted" if step else _quantity(yscale, normalise))


def _outer(end: float, other: float, x: Array) -> float:
    """Return which of two ends lies further out, on an axis that rises as `x` does."""
    return min(end, float(other)) if x[-1] > x[0] else max(end, float(other))


def _curve(one: xr.Dataset, axis: str, yscale: str, normalise: str, window: object) -> tuple[Array, Array]:
    x = bragg.abscissa(one["two_theta"].values.astype(np.float64), axis, bragg.wavelength_of(one, axis))
    part = bragg.part_of(x, window, axis)
    y = one["intensity"].values[part].astype(np.float64)
    largest = float(np.nanmax(y))
    if normalise == "max":
        if not largest > 0:
            raise InputError(
                f"the largest intensity is {largest:g}", where="normalise", remedy="Leave this pattern out"
            )
        y = y / largest
    if yscale == "sqrt":
        y = np.sqrt(np.maximum(y, 0.0))
    elif yscale == "log":
        positive = y[y > 0]
        if not positive.size:
            raise InputError("no intensity is positive", where="yscale", remedy="Use yscale='linear'")
        y = np.log10(np.maximum(y, positive.min()))
    return x[part], y


def _one_grid(curves: Mapping[str, tuple[Array, Array]]) -> bool:
    grids = [x for x, _ in curves.values()]
    return all(x.shape == grids[0].shape and np.allclose(x, grids[0]) for x in grids)


def _map(
    ax: Axes, named: Mapping[str, xr.Dataset], curves: Mapping[str, tuple[Array, Array]],
    coordinate: xr.DataArray | None, axis: str, yscale: str, normalise: str,
) -> None:  # fmt: skip
    if not _one_grid(curves):
        raise InputError(
            "the patterns have different angles", where="kind", remedy="Use kind='lines', or stack() on one grid"
        )
    x = next(iter(curves.values()))[0]
    numbers = np.arange(len(named), dtype=float)
    if coordinate is not None:
        numbers = coordinate.values.astype(float)
    order = np.argsort(numbers, kind="stable")
    if np.any(np.diff(numbers[order]) <= 0):
        raise InputError(
            "a map needs different numbers", where=str(getattr(coordinate, "name", "")), remedy="Use kind='lines'"
        )
    image = np.stack([y for _, y in curves.values()])[order]
    mesh = ax.pcolormesh(_edges(x), _edges(numbers[order]), image, cmap=COLOURS, rasterized=True)
    bragg.span(ax, axis, float(x[0]), float(x[-1]))
    style.dress(ax)
    bragg.tick(ax, axis)
    if coordinate is None:
        style.name_ticks(ax.yaxis, numbers.tolist(), list(named))
        ax.yaxis.minorticks_off()
    else:
        unit = str(coordinate.attrs.get("units", "1"))
        style.quantity_axis(ax.yaxis, labels.long_name(coordinate), unit)
    bar = style.figure_of(ax).colorbar(mesh, ax=ax, fraction=0.05, pad=0.02, aspect=30)
    style.colour_bar(bar.ax)
    style.say(bar.ax.yaxis.label, _quantity(yscale, normalise))


def _edges(centres: Array) -> Array:
    """Return the edges of cells: half way between centres."""
    if centres.size == 1:
        return np.array([centres[0] - 0.5, centres[0] + 0.5])
    middle = (centres[1:] + centres[:-1]) / 2
    return np.concatenate([[2 * centres[0] - middle[0]], middle, [2 * centres[-1] - middle[-1]]])


def _quantity(yscale: str, normalise: str) -> str:
    name = "intensity / max" if normalise == "max" else "intensity"
    return {"linear": name.capitalize(), "sqrt": f"Root of {name}", "log": f"log₁₀ of {name}"}[yscale]


def _colours(count: int, coordinate: xr.DataArray | None) -> list[str]:
    """Colours in turn for names, dark to light along a series of numbers."""
    if coordinate is None and count <= len(style.COLORS):
        return [style.color(index) for index in range(count)]
    shades = (_SHADES(index / max(count - 1, 1)) for index in range(count))
    return ["#" + "".join(f"{round(255 * part):02X}" for part in shade[:3]) for shade in shades]
