"""Several samples in one frame: spectra or fits, each divided by a reference of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from surfspec import schema
from surfspec.display import labels, style
from surfspec.display.checks import heading
from surfspec.errors import InputError

#: Name of a sample -> its spectrum or fit.
Samples: TypeAlias = Mapping[str, xr.Dataset]


def plot_stack(
    samples: Samples | Mapping[str, Samples] | Sequence[xr.Dataset],
    *,
    scale: Mapping[str, float] | Sequence[float] | str | None = None,
    scale_label: str = "",
    subtract_background: bool = False,
    offset: float = 0.0,
    title: str = "",
    width: str | float | None = None,
    height: float = 6.2,
) -> Figure:
    """Compare samples: draw their spectra or fits over each other, each divided by its own reference.

    With ``scale`` the areas of a reference line (Zr 3d5/2, say) this shows the other lines per reference, one frame
    for each region. Fits are drawn as points and envelope, spectra as lines.

    Parameters
    ----------
    samples
        ``{sample: dataset}``, ``{region: {sample: dataset}}`` for one frame each, or a sequence of Datasets, which
        are named by their attribute ``sample``. Kinds ``spectrum`` and ``fit``, single members.
    scale
        What to divide the intensity by: a positive number for each sample, by name or in order; ``"max"`` for the
        largest intensity of each in its frame; by default nothing.
    scale_label
        What `scale` is, for the axis: ``"area of Zr 3d5/2"``.
    subtract_background
        Take the fitted background off; fits only.
    offset
        Distance between neighbours, in parts of the tallest.
    title
        Title of the figure.
    width, height
        ``"column"``, ``"page"``, ``"single"``, ``"double"`` or cm, by the number of frames unless given; cm.

    Returns
    -------
    matplotlib.figure.Figure
        One axes for each region.

    Raises
    ------
    InputError
        For no sample, a series, a scale that is missing or not positive, or spectra without a background to subtract.

    Examples
    --------
    >>> import surfspec as ss
    >>> a = ss.spectrum([280, 285, 290], [10, 40, 12], technique="XPS", sample="A")
    >>> b = ss.spectrum([280, 285, 290], [20, 90, 25], technique="XPS", sample="B")
    >>> figure = ss.display.plot_stack([a, b], scale={"A": 1.0, "B": 2.0})
    >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    ['A', 'B']
    """
    regions = _regions(samples)
    if subtract_background and any(
        "background" not in member for group in regions.values() for member in group.values()
    ):
        raise InputError(
            "a spectrum has no background to subtract",
            where="subtract_background",
            remedy="Pass fits, or leave subtract_background out",
        )
    factors = _factors(regions, scale)
    order = list(dict.fromkeys(name for group in regions.values() for name in group))
    figure = style.figure(width or ("column" if len(regions) == 1 else "page"), height)
    panels = figure.subplots(1, len(regions), squeeze=False)[0]
    for ax, (region, group) in zip(panels, regions.items(), strict=True):
        _frame(ax, group, factors, order, scale == "max", subtract_background, offset)
        unit = "1" if scale is not None else str(next(iter(group.values()))["intensity"].attrs.get("units", "1"))
        name = (
            "Intensity" if scale is None else f"Intensity / {scale_label or ('max' if scale == 'max' else 'reference')}"
        )
        if scale is not None and scale != "max" and not offset:
            unit = "arb. units"
        style.intensity_axis(ax, name if ax is panels[0] else "", unit)
        if ax is not panels[0]:
            style.say(ax.yaxis.label, _power_only(ax))
        if offset:
            ax.set_yticks([])
            style.say(ax.yaxis.label, f"{name}, shifted" if ax is panels[0] else "")
        if region or len(regions) > 1:
            style.headline(ax, region)
    if len(regions) == 1:
        style.legend(panels[0])
    else:
        style.legend(panels[0], outside=True, ncols=len(order))
    if heading(title):
        style.say(figure.suptitle("", x=0.01, ha="left"), title)
    return figure


def _frame(
    ax: Axes,
    group: Samples,
    factors: Mapping[str, float],
    order: list[str],
    to_max: bool,
    subtract: bool,
    offset: float,
) -> None:
    """Draw the samples of one region."""
    axis = schema.axis_of(next(iter(group.values())))
    curves = {}
    for name, member in group.items():
        taken = member["background"].values if subtract else 0.0
        divisor = float(np.nanmax(member["intensity"].values - taken)) if to_max else factors.get(name, 1.0)
        if divisor <= 0:
            raise InputError(
                f"the largest intensity of {name!r} is {divisor:g}",
                where="scale",
                remedy="Leave the sample out, or scale by numbers",
            )
        curves[name] = {
            part: (member[part].values - taken) / divisor for part in ("intensity", "model") if part in member
        }
    step = offset * max(
        float(np.nanmax(parts["intensity"]) - np.nanmin(parts["intensity"])) for parts in curves.values()
    )
    low, high = np.inf, -np.inf
    for place, (name, parts) in enumerate(curves.items()):
        index, x = order.index(name), group[name][axis].values
        look: dict[str, Any] = {"color": style.color(index), "zorder": 3}
        if "model" in parts:
            every = max(1, x.size // 150)
            ax.plot(
                x[::every], parts["intensity"][::every] + place * step, linestyle="none", marker=style.marker(index),
                markersize=2.0, markerfacecolor="white", markeredgewidth=0.45, **look,
            )  # fmt: skip
        curve = parts.get("model", parts["intensity"])
        ax.plot(x, curve + place * step, linewidth=1.0, linestyle=style.dash(index), label=name, **look)
        low, high = min(low, float(x[0])), max(high, float(x[-1]))
    ax.set_xlim(low, high)
    style.dress(ax)
    style.spectral_axis(ax, axis)


def _power_only(ax: Axes) -> str:
    """Keep the power of ten of a frame whose axis is named at its left neighbour."""
    text = ax.yaxis.label.get_text().strip()
    return text if "10" in text else ""


def _regions(samples: object) -> dict[str, dict[str, xr.Dataset]]:
    """Bring the three ways of naming samples into one: region -> sample -> Dataset."""
    if not isinstance(samples, Mapping | Sequence) or isinstance(samples, xr.Dataset | str) or not samples:
        raise InputError(
            "nothing to compare",
            where="plot_stack",
            remedy="Pass a list of Datasets, {sample: dataset} or {region: {sample: dataset}}",
        )
    if not isinstance(samples, Mapping):
        names = [str(member.attrs.get("sample", "")) or f"{index + 1}" for index, member in enumerate(samples)]
        if len(set(names)) < len(names):
            raise InputError(
                f"two Datasets have the sample name {max(names, key=names.count)!r}",
                where="plot_stack",
                remedy="Pass {name: dataset} with names of your own",
            )
        return {"": _checked(dict(zip(names, samples, strict=True)))}
    if all(isinstance(value, Mapping) and not isinstance(value, xr.Dataset) for value in samples.values()):
        return {str(region): _checked(dict(group)) for region, group in samples.items()}
    return {"": _checked(dict(samples))}


def _checked(group: dict[Any, Any]) -> dict[str, xr.Dataset]:
    if not group:
        raise InputError("a region without samples", where="plot_stack", remedy="Leave the region out")
    axes = set()
    for name, member in group.items():
        kind = schema.kind_of(member)
        if kind not in {"spectrum", "fit"} or labels.member_dims(member):
            raise InputError(
                f"{name!r} is a {kind}{' series' if kind in {'spectrum', 'fit'} else ''}",
                where="plot_stack",
                remedy="Pass single spectra or fits; select a member of a series with .isel()",
            )
        axes.add(schema.axis_of(member))
    if len(axes) > 1:
        raise InputError(
            f"the samples have different axes: {', '.join(sorted(axes))}",
            where="plot_stack",
            remedy="Put each technique into a figure of its own",
        )
    return {str(name): member for name, member in group.items()}


def _factors(
    regions: Mapping[str, Samples], scale: Mapping[str, float] | Sequence[float] | str | None
) -> dict[str, float]:
    names = list(dict.fromkeys(name for group in regions.values() for name in group))
    if scale is None or scale == "max":
        return {}
    if isinstance(scale, str):
        raise InputError(f"unknown scale {scale!r}", where="scale", remedy="Use 'max', or a number for each sample")
    if not isinstance(scale, Mapping):
        if len(scale) != len(names):
            raise InputError(
                f"{len(scale)} scales for {len(names)} samples", where="scale", remedy="Give one number for each sample"
            )
        scale = dict(zip(names, scale, strict=True))
    for name in names:
        if name not in scale or not float(scale[name]) > 0 or not np.isfinite(float(scale[name])):
            raise InputError(
                f"the scale of {name!r} is {scale.get(name, 'missing')}",
                where="scale",
                remedy="Give a positive number for each sample, the area of its reference line say",
            )
    return {name: float(scale[name]) for name in names}
