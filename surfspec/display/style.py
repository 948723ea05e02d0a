"""The look of every picture: sizes, type, colours, ticks.

Nothing here touches ``matplotlib.rcParams`` or pyplot: each property is set on its artist, so that pictures look the
same whatever the user's style is and may be drawn in several threads at once.
Colours: Okabe and Ito, "Color Universal Design" (2008), the yellow left out, as lines of it vanish on paper.
"""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis, YAxis
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.legend import Legend
from matplotlib.text import Text
from matplotlib.ticker import AutoMinorLocator, Formatter, Locator, MaxNLocator
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from surfspec import schema
from surfspec.display.checks import HEIGHTS, heading, number, shortened
from surfspec.display.doubts import fits_lines, in_short
from surfspec.display.text import power_text, rich_text, unit_text
from surfspec.errors import InputError

#: Widths in cm: one and two columns of a journal page; ``single`` and ``double`` for journals of 85 and 170 mm.
WIDTHS: Final[dict[str, float]] = {"column": 8.6, "page": 17.8, "single": 8.5, "double": 17.0}
CM: Final = 1 / 2.54
#: Characters of the label of an axis before it breaks into lines.
LABEL_WIDTH: Final = 40
#: Letters of such a label in an inch.
LETTERS_PER_INCH: Final = 17
#: Letters that are kept of a line of text, of a title, of an entry of a legend, and of the name of a tick.
LONGEST: Final = 170
TITLE: Final = 100
ENTRY: Final = 60
TICK: Final = 40

#: Shipped with matplotlib, so that a picture is the same on every machine; has Greek, sub- and superscripts.
FONT: Final = "DejaVu Sans"
#: Where the common type lacks a character (of a sample's name, say), the first of these that is installed.
FALLBACKS: Final = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Source Han Sans SC", "WenQuanYi Micro Hei", "Microsoft YaHei", "SimHei",
    "PingFang SC", "Hiragino Sans", "Yu Gothic", "Malgun Gothic", "Arial Unicode MS",
)  # fmt: skip
SIZE: Final = 8.0
SMALL: Final = 7.0
LINE: Final = 1.0
THIN: Final = 0.6

INK: Final = "#000000"
GREY: Final = "#666666"
#: Points from a frame to the numbers below it: a number in the corner stays clear of that beside it.
CORNER: Final = 4.5
PALE: Final = "#E4E4E4"
WARN: Final = "#B03A00"

#: Blue, vermillion, green, purple, orange, sky blue, black: different in lightness too.
COLORS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES: Final[tuple[Any, ...]] = (
    "-", (0, (5, 1.5)), (0, (5, 1.5, 1, 1.5)), (0, (1.2, 1.2)), (0, (8, 2)), (0, (3, 1, 1, 1, 1, 1)), (0, (2.5, 2.5)),
)  # fmt: skip
MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X")
HATCHES: Final = ("", "/////", "\\\\\\\\\\", ".....", "xxxxx", "-----", "|||||")


@cache
def families() -> tuple[str, ...]:
    """Return the common type, then the installed ones that have the characters it lacks."""
    installed = {font.name for font in fontManager.ttflist}
    return (FONT, *(name for name in FALLBACKS if name in installed))


class SurfspecFigure(Figure):
    """A matplotlib Figure that a notebook shows without pyplot."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=200)
        return buffer.getvalue()


class SqrtLocator(Locator):
    """Ticks at 0, s, 4s, 9s, ...: evenly spaced on a square-root axis; s is 1, 2, 4 or 5 times a power of ten."""

    def __init__(self, count: int = 6) -> None:
        self.count = count

    def __call__(self) -> list[float]:
        """Return the ticks of the present view."""
        assert self.axis is not None  # noqa: S101 - matplotlib sets it before it asks for ticks
        low, high = self.axis.get_view_interval()
        return self.tick_values(float(low), float(high))

    def tick_values(self, vmin: float, vmax: float) -> list[float]:
        """Return the ticks between two limits."""
        top = math.sqrt(max(vmax, 0.0))
        if top == 0 or not math.isfinite(top):
            return [0.0]
        wanted = top / self.count
        decade = 10.0 ** math.floor(math.log10(wanted**2))
        step = math.sqrt(next(factor * decade for factor in (1, 2, 4, 5, 10) if factor * decade >= 0.99 * wanted**2))
        ticks = [round((step * count) ** 2, 12) for count in range(int(top / step) + 1)]
        return [tick for tick in ticks if vmin <= tick <= vmax]


class TidyFormatter(Formatter):
    """Tick labels with equally many decimals, the values divided by a power of ten."""

    def __init__(self, power: int = 0) -> None:
        self.power = power

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """Write the labels of all ticks of an axis."""
        numbers = [float(f"{value / 10.0**self.power:.6g}") for value in values]
        decimals = max((len(f"{number:.6g}".partition(".")[2]) for number in numbers), default=0)
        return [f"{number:.{decimals}f}".replace("-", "−") for number in numbers]

    def __call__(self, x: float, pos: int | None = None) -> str:
        """Write one value, for the status line of a window."""
        return f"{x / 10.0**self.power:.6g}".replace("-", "−")


def figure(width: str | float, height: float) -> SurfspecFigure:
    """Make an empty figure.

    Parameters
    ----------
    width
        ``"column"`` (8.6 cm), ``"page"`` (17.8 cm), ``"single"`` (8.5 cm), ``"double"`` (17.0 cm) or a number of cm.
    height
        In cm.
    """
    number(height, *HEIGHTS, "height", unit="cm")
    layout = ConstrainedLayoutEngine(w_pad=0.03, h_pad=0.02, wspace=0.02, hspace=0.0)
    return SurfspecFigure(figsize=(width_cm(width) * CM, height * CM), dpi=200, layout=layout, facecolor="white")


def width_cm(width: str | float) -> float:
    """Return a width in cm, or raise InputError."""
    if isinstance(width, str):
        if width not in WIDTHS:
            raise InputError(
                f"unknown width {width!r}", where="width", remedy=f"Use {', '.join(WIDTHS)} or a number of cm"
            )
        return WIDTHS[width]
    return number(width, 2, 100, "width", unit="cm", remedy="Use 2 to 100 cm, 'column' or 'page'")


def lay_out(page: Figure) -> None:
    """Place the frames of a figure without drawing what is in them."""
    engine = page.get_layout_engine()
    if engine is not None:
        engine.execute(page)


def freeze(page: Figure) -> None:
    """Lay a figure out for good: texts placed by the size of its frames stay where they are, files are the same bytes.

    The places of frames are rounded to 1e-7 of the page, as the solver of the layout repeats itself only to the digits
    of a float.
    """
    lay_out(page)
    page.set_layout_engine("none")
    for ax in page.axes:
        ax.set_position(Bbox(np.round(ax.get_position(original=True).get_points(), 7)))


def figure_of(ax: Axes) -> Figure:
    """Return the figure that holds axes, the outermost one where figures are nested."""
    found = ax.figure.figure
    if not isinstance(found, Figure):
        raise InputError("these axes belong to no figure", where="ax", remedy="Pass axes of a figure, or no ax")
    return found


def colour_bar(ax: Axes) -> None:
    """Give the axes of a colour bar the common type and lines."""
    ax.tick_params(which="major", labelsize=SMALL, labelfontfamily=FONT, width=THIN, length=2.5)
    for spine in ax.spines.values():
        spine.set_linewidth(THIN)


def dress(ax: Axes) -> None:
    """Give axes their frame, ticks and type."""
    ax.set_facecolor("white")
    ax.grid(visible=False)
    for spine in ax.spines.values():
        spine.set(linewidth=THIN, color=INK)
    for which, length in (("major", 3.0), ("minor", 1.7)):
        ax.tick_params(
            which=which, direction="in", length=length, width=THIN, color=INK, labelcolor=INK, labelsize=SMALL,
            labelfontfamily=FONT, top=True, right=True, bottom=True, left=True, pad=3,
        )  # fmt: skip
    ax.tick_params(axis="x", which="both", pad=CORNER)
    place, page = ax.get_position(), figure_of(ax)
    for axis, inches in (
        (ax.xaxis, place.width * page.get_figwidth()),
        (ax.yaxis, place.height * page.get_figheight()),
    ):
        if axis.get_scale() == "linear":
            plain_ticks(axis, min(max(int(2.7 * inches), 3), 14))


def plain_ticks(axis: Axis, count: int = 6) -> None:
    """Put round major ticks and minor ticks between them on a linear axis."""
    axis.set_major_locator(MaxNLocator(nbins=count, steps=[1, 2, 5, 10]))
    axis.set_minor_locator(AutoMinorLocator())
    axis.set_major_formatter(TidyFormatter())


def name_ticks(
    axis: Axis, places: Sequence[float], names: Sequence[str], *, chemistry: bool = False, size: float = SMALL
) -> None:
    """Put a name at each place of an axis; ``$`` and ``_`` of names are never mathematics."""
    written = [rich_text(shortened(name, TICK), chemistry=chemistry) for name in names]
    axis.set_ticks(list(places), labels=[text for text, _ in written])
    for tick, (_, math_text) in zip(axis.get_major_ticks(), written, strict=False):
        for artist in (tick.label1, tick.label2):
            artist.set_parse_math(math_text)
            artist.set(fontfamily=list(families()), fontsize=size)


def say(artist: Text, text: str, *, chemistry: bool = False, size: float = SIZE, color: str = INK) -> None:
    """Set the text of an artist in the common type; ``$`` and ``_`` of names are never mathematics."""
    written, math_text = rich_text(shortened(text, LONGEST), chemistry=chemistry)
    artist.set_parse_math(math_text)
    artist.set(text=written, fontfamily=list(families()), fontsize=size, color=color, fontweight="normal")


def note(
    ax: Axes, x: float, y: float, text: str, *, chemistry: bool = False, size: float = SMALL, **kwargs: Any
) -> Text:
    """Write text into axes, in their own coordinates from 0 to 1 unless ``transform`` says otherwise."""
    color = kwargs.pop("color", INK)
    artist = ax.text(x, y, "", **{"transform": ax.transAxes, **kwargs})
    say(artist, text, chemistry=chemistry, size=size, color=color)
    return artist


def headline(ax: Axes, text: str, color: str = INK) -> None:
    """Write the title of axes, at the left."""
    heading(text)
    say(ax.set_title("", loc="left", pad=4), shortened(text, TITLE), color=color)


def verdict_headline(ax: Axes, title: str, verdict: str, reasons: Sequence[str], *, lines: int = 3) -> None:
    """Title axes that show a result; a verdict that is not ok is written out with its reasons, in short if need be.

    The words are broken into as many lines of the width of the axes as they need, at most `lines` with the reasons.
    """
    inches = ax.get_position().width * figure_of(ax).get_figwidth()
    size = max(int(inches * 15), 16)
    title = " ".join(shortened(word, size) for word in title.split(" "))  # a long id is told in short, never broken
    if verdict == "ok":
        if title:
            headline(ax, textwrap.fill(title, size, break_on_hyphens=False))
        return
    first = f"{title}. {verdict.upper()}: " if title else f"{verdict.upper()}: "
    told = in_short(reasons, fits_lines(first, size, lines))
    headline(ax, textwrap.fill(f"{first}{told}", size, break_on_hyphens=False), color=WARN)


def legend(
    ax: Axes, *, chemistry: bool = False, outside: bool = False, into: Axes | None = None,
    only: Sequence[str] | None = None, **kwargs: Any,
) -> Legend | None:  # fmt: skip
    """Add a legend without a frame, one entry a name, `outside` below the whole figure; None when it would be empty.

    With `only`, the names among these; with `into`, in the middle of another frame, of which nothing else is seen.
    """
    found: dict[str, Any] = {}
    for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
        if only is None or label in only:
            found.setdefault(label, handle)
    handles, labels = list(found.values()), list(found)
    if not handles:
        return None
    options: dict[str, Any] = {
        "frameon": False, "fontsize": SMALL, "handlelength": 1.8, "handletextpad": 0.5, "labelspacing": 0.3,
        "borderpad": 0.2, "borderaxespad": 0.5, "columnspacing": 1.0, "loc": "best",
    }  # fmt: skip
    owner: Any = ax
    if outside:
        owner = figure_of(ax)
        options.update(loc="outside lower center", ncols=4)
    if into is not None:
        owner = into
        into.set_axis_off()
        options.update(loc="center", labelspacing=0.6, handlelength=2.8)
    made: Legend = owner.legend(handles, ["" for _ in labels], **{**options, **kwargs})
    for artist, text in zip(made.get_texts(), labels, strict=True):
        say(artist, shortened(text, ENTRY), chemistry=chemistry, size=SMALL)
    return made


def axis_text(name: str, unit: str = "1", power: int = 0) -> str:
    """Write the label of an axis: name and, in brackets, its power of ten and its unit."""
    written = unit_text(unit)
    factor = power_text(power).removeprefix("×")
    inside = " ".join(part for part in (factor, written) if part)
    return f"{name} ({inside})" if inside else name


def spectral_axis(ax: Axes, name: str, *, label: bool = True) -> None:
    """Label the spectral axis; a binding energy falls from left to right."""
    unit, long_name = schema.AXES[name]
    if label:
        say(ax.xaxis.label, axis_text(long_name, unit))
    if name == "binding_energy" and not ax.xaxis_inverted():
        ax.invert_xaxis()


def intensity_axis(ax: Axes, name: str, unit: str) -> None:
    """Label the vertical axis, its power of ten taken out of the tick labels and into the label."""
    quantity_axis(ax.yaxis, name, unit)


def quantity_axis(axis: Axis, name: str, unit: str, *, chemistry: bool = False) -> None:
    """Label a linear axis, its power of ten taken out of the tick labels and into the label."""
    low, high = axis.get_view_interval()
    largest = max(abs(low), abs(high))
    power = 0
    if 0 < largest < math.inf and not 1e-2 <= largest < 1e4:
        power = math.floor(math.log10(largest))
        power = 3 if 3 < power < 6 else power
    axis.set_major_formatter(TidyFormatter(power))
    text, letters = shortened(axis_text(name, unit, power), 3 * LABEL_WIDTH), LABEL_WIDTH
    if isinstance(axis, YAxis) and len(text) > LABEL_WIDTH:  # a long label in a low frame would leave the figure
        inches = axis.axes.get_position().height * figure_of(axis.axes).get_figheight()
        letters = min(max(int(LETTERS_PER_INCH * inches), 16), LABEL_WIDTH)
    say(axis.label, textwrap.fill(text, letters), chemistry=chemistry)


def scale_intensity(ax: Axes, yscale: str) -> None:
    """Set the vertical scale: ``linear``, ``sqrt`` (equal steps are equally significant for counts) or ``log``."""
    if yscale == "sqrt":
        ax.set_yscale("function", functions=(_signed_root, _signed_square))
        ax.yaxis.set_major_locator(SqrtLocator())
    elif yscale == "log":
        ax.set_yscale("log", nonpositive="mask")
    elif yscale != "linear":
        raise InputError(f"unknown yscale {yscale!r}", where="yscale", remedy="Use 'linear', 'sqrt' or 'log'")


def _signed_root(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sign(values) * np.sqrt(np.abs(values))


def _signed_square(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sign(values) * np.square(values)


def color(index: int) -> str:
    """Return the colour of the index-th series, in turn."""
    return COLORS[index % len(COLORS)]


def dash(index: int) -> Any:
    """Return the line style of the index-th series, in turn."""
    return DASHES[index % len(DASHES)]


def hatch(index: int) -> str:
    """Return the hatching of the index-th series; it and the colour repeat together only after 49."""
    return HATCHES[(index + index // len(COLORS)) % len(HATCHES)]


def marker(index: int) -> str:
    """Return the marker of the index-th series, in turn."""
    return MARKERS[index % len(MARKERS)]


def readable(shade: str, contrast: float = 4.5) -> str:
    """Darken a colour until text in it stands out from white by a contrast ratio (W3C WCAG 2: 4.5 for small text).

    Examples
    --------
    >>> readable("#000000"), readable("#E69F00")
    ('#000000', '#9C6C00')
    """
    channels = [int(shade[start : start + 2], 16) for start in (1, 3, 5)]
    for percent in range(100, 0, -1):
        mixed = [round(one * percent / 100) for one in channels]
        linear = [one / 255 / 12.92 if one <= 10 else ((one / 255 + 0.055) / 1.055) ** 2.4 for one in mixed]
        luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
        if 1.05 / (luminance + 0.05) >= contrast:
            return "#" + "".join(f"{one:02X}" for one in mixed)
    return INK


def tint(shade: str, strength: float) -> tuple[float, float, float]:
    """Mix a colour with white; `strength` 1 leaves it, 0 makes it white."""
    red, green, blue = (int(shade[start : start + 2], 16) / 255 for start in (1, 3, 5))
    return (1 - strength + strength * red, 1 - strength + strength * green, 1 - strength + strength * blue)
