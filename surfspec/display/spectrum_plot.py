"""Pictures of measured spectra: one, overlaid, or one above the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import xarray as xr
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, LogNorm, Normalize, to_hex
from matplotlib.figure import Figure
from numpy.typing import NDArray

from surfspec import schema
from surfspec.display import labels, style
from surfspec.display.checks import axes, heading
from surfspec.errors import InputError

NORMALISE: Final = ("none", "max", "area", "range")

#: More members than this share one colour scale instead of having a label each.
LABELLED: Final = 7
#: Lines that one frame can hold; of more members that many are drawn, evenly from the first to the last.
MOST: Final = 400

#: Cividis without its palest part.
_SERIES_COLORS: Final = ListedColormap(colormaps["cividis"](np.linspace(0, 0.9, 256)))


def plot_spectrum(
    dataset: xr.Dataset,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    normalise: str = "none",
    offset: float = 0.0,
    yscale: str = "linear",
    width: str | float = "column",
    height: float = 6.2,
) -> Figure:
    """Draw a spectrum, or the members of a series in one frame.

    Binding energy falls from left to right; kinetic energy and 2θ rise. Up to seven members have a label each, more
    share a colour bar of their coordinate.

    Parameters
    ----------
    dataset
        Kind ``spectrum``.
    ax
        Axes to draw into; by default a new figure is made.
    title
        By default sample and region; ``""`` for none.
    normalise
        ``"none"``, ``"max"`` (divide by the largest value), ``"area"`` (divide by the area under the curve, no
        background taken off) or ``"range"`` (from 0 to 1).
    offset
        Distance between neighbouring members, in parts of the largest height of a member.
    yscale
        ``"linear"``, ``"sqrt"`` or ``"log"``.
    width, height
        ``"column"``, ``"page"``, ``"single"``, ``"double"`` or cm; cm. Not used with `ax`.

    Returns
    -------
    matplotlib.figure.Figure
        The figure; its axes are ``figure.axes``.

    Raises
    ------
    InputError
        For an unknown option value, or an offset together with a logarithmic scale.

    Examples
    --------
    >>> import surfspec as ss
    >>> ds = ss.spectrum([280, 285, 290], [10, 40, 12], technique="XPS", region="C 1s")
    >>> low, high = ss.display.plot_spectrum(ds).axes[0].get_xlim()
    >>> float(low), float(high)
    (290.0, 280.0)
    """
    schema.check(dataset, "spectrum")
    title, ax = heading(title), axes(ax)
    labels.choice(normalise, NORMALISE, "normalise")
    if offset and yscale != "linear":
        raise InputError(
            f"an offset of {offset:g} on a {yscale} scale would change the shapes",
            where="offset",
            remedy="Use yscale='linear', or offset=0",
        )
    axis = schema.axis_of(dataset)
    if ax is None:
        ax = style.figure(width, height).add_subplot()
    x = dataset[axis].values
    named = [
        (label, _normalised(x, member["intensity"].values, normalise))
        for label, member in labels.members(dataset, MOST)
    ]
    step = offset * max((float(np.ptp(y)) for _, y in named), default=0.0)
    many = len(named) > LABELLED
    shades = _shades(dataset, len(named)) if many else [style.color(index) for index in range(len(named))]
    if len(named) == 1:
        shades = [style.INK]
    style.scale_intensity(ax, yscale)
    for index, (label, y) in enumerate(named):
        ax.plot(
            x, y + index * step, color=shades[index], linewidth=0.7 if many else 0.9, label=label or None,
            linestyle="-" if many or offset else style.dash(index),
        )  # fmt: skip
    ax.set_xlim(x[0], x[-1])
    style.dress(ax)
    style.spectral_axis(ax, axis)
    _vertical(ax, dataset, normalise, bool(offset), yscale)
    if many:
        _colour_bar(ax, dataset)
    elif len(named) > 1 and offset:
        _labels_at_lines(ax, [(label, float(y[-1 if axis == "binding_energy" else 0]) + index * step, shades[index])
                              for index, (label, y) in enumerate(named)], step)  # fmt: skip
    elif len(named) > 1:
        style.legend(ax)
    text = labels.subject(dataset) if title is None else title
    count = labels.member_count(dataset)
    if count > len(named):
        text = f"{text + ': ' if text else ''}{len(named)} of {count} members"
    if text:
        style.headline(ax, text)
    return style.figure_of(ax)


def _normalised(x: NDArray[np.float64], y: NDArray[np.float64], how: str) -> NDArray[np.float64]:
    if how == "range":
        low, size = float(y.min()), float(np.ptp(y))
    else:
        low = 0.0
        size = {"none": 1.0, "max": float(y.max()), "area": float(np.sum(np.diff(x) * (y[1:] + y[:-1])) / 2)}[how]
    if size <= 0:
        raise InputError(
            f"the spectrum cannot be normalised by its {how}, which is {size:g}",
            where="normalise",
            remedy="Leave the member out, or use normalise='none'",
        )
    return (y - low) / size


def _vertical(ax: Axes, dataset: xr.Dataset, normalise: str, shifted: bool, yscale: str) -> None:
    unit = str(dataset["intensity"].attrs.get("units", "1"))
    low, high = ax.get_ylim()
    if yscale == "linear" and not shifted and low < 0 <= float(dataset["intensity"].min()):
        ax.set_ylim(0, high)
    if normalise == "none" and not shifted:
        if yscale == "log":
            style.say(ax.yaxis.label, style.axis_text("Intensity", unit))
        else:
            style.intensity_axis(ax, "Intensity", unit)
        return
    name = "Intensity" if normalise == "none" else f"Intensity / {normalise}"
    style.say(
        ax.yaxis.label, style.axis_text(f"{name}, shifted" if shifted else name, "1" if normalise != "none" else unit)
    )
    if shifted:
        ax.set_yticks([])


def _labels_at_lines(ax: Axes, lines: Sequence[tuple[str, float, str]], step: float) -> None:
    """Write each label at the left end of its line, just above it."""
    for text, y, shade in lines:
        style.note(
            ax, 0.02, y + 0.12 * step, text, transform=ax.get_yaxis_transform(), va="bottom", ha="left", color=shade
        )
    low, high = ax.get_ylim()
    ax.set_ylim(low, max(high, lines[-1][1] + 0.55 * step))


def _shades(dataset: xr.Dataset, count: int) -> list[str]:
    """Colours of a long series, dark to light, evenly in perceived lightness."""
    norm = _norm(dataset)
    if norm is None:
        return [to_hex(_SERIES_COLORS(index / max(count - 1, 1))) for index in range(count)]
    values = dataset[labels.member_dims(dataset)[0]].values
    return [to_hex(_SERIES_COLORS(float(norm(float(value))))) for value in values]


def _norm(dataset: xr.Dataset) -> Normalize | None:
    """Scale of the colour bar: that of the coordinate, when the series has one dimension with numbers."""
    dims = labels.member_dims(dataset)
    if len(dims) != 1 or dims[0] not in dataset.coords or not np.issubdtype(dataset[dims[0]].dtype, np.number):
        return None
    values = dataset[dims[0]].values.astype(float)
    low, high = float(np.min(values)), float(np.max(values))
    if not (np.isfinite(low) and high > low):
        return None
    return LogNorm(low, high) if low > 0 and high / low > 1e3 else Normalize(low, high)


def _colour_bar(ax: Axes, dataset: xr.Dataset) -> None:
    dims = labels.member_dims(dataset)
    norm = _norm(dataset)
    count = int(np.prod([dataset.sizes[name] for name in dims]))
    mappable = ScalarMappable(norm or Normalize(0, count - 1), _SERIES_COLORS)
    bar = style.figure_of(ax).colorbar(mappable, ax=ax, fraction=0.05, pad=0.02, aspect=30)
    style.colour_bar(bar.ax)
    if norm is None:
        style.say(bar.ax.yaxis.label, "Member of the series")
    else:
        coordinate = dataset[dims[0]]
        style.quantity_axis(bar.ax.yaxis, labels.long_name(coordinate), str(coordinate.attrs.get("units", "1")))
