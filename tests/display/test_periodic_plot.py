"""The periodic table of visible elements: every element in its place, colours that read in grey."""

from __future__ import annotations

import numpy as np
import periodictable
import pytest
import xarray as xr
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle

import surfspec as ss
from surfspec.display.periodic_plot import _ion_text, place_of
from surfspec.errors import InputError, SchemaError


@pytest.fixture(scope="module")
def table() -> xr.Dataset:
    return ss.leis.visibility(ion="20Ne", energy=5000.0)


# period and group as IUPAC prints them
PLACES = {
    "H": (1, 1), "He": (18, 1), "Be": (2, 2), "B": (13, 2), "Ne": (18, 2), "Na": (1, 3), "Al": (13, 3), "K": (1, 4),
    "Sc": (3, 4), "Zn": (12, 4), "Ga": (13, 4), "Kr": (18, 4), "Zr": (4, 5), "Ag": (11, 5), "I": (17, 5), "Cs": (1, 6),
    "Ba": (2, 6), "Hf": (4, 6), "Au": (11, 6), "Pb": (14, 6), "Ra": (2, 7), "Rf": (4, 7), "Og": (18, 7),
}  # fmt: skip


def test_every_element_has_a_place_of_its_own() -> None:
    for symbol, place in PLACES.items():
        assert place_of(getattr(periodictable, symbol).number) == place, symbol
    places = [place_of(number) for number in range(1, 119)]
    assert len(set(places)) == 118
    assert [place_of(number) for number in (57, 71, 89, 103)] == [(3, 8.4), (17, 8.4), (3, 9.4), (17, 9.4)]


def test_cells_say_what_the_table_says(table: xr.Dataset) -> None:
    figure = ss.display.plot_periodic(table)
    ax, bar = figure.axes
    texts = {text.get_text() for text in ax.texts}
    assert set(table.element.values.tolist()) <= texts
    silicon = table.sel(element="Si")
    assert f"{float(silicon.energy):.0f}" in texts
    assert f"Al {float(silicon.separation_fwhm):.1f}" in texts
    assert ax.get_title(loc="left") == "²⁰Ne⁺, 5 keV, 145°, resolution 1.5 %"
    assert bar.get_ylabel() == "Distance to the nearest element (FWHM)"
    cells = [patch for patch in ax.patches if isinstance(patch, Rectangle) and patch.get_width() == 1.0]
    assert len(cells) == table.sizes["element"]
    hatched = sum(bool(cell.get_hatch()) for cell in cells)
    assert hatched == int((table.state == "too slow").sum())


def test_darker_is_further_away_also_in_grey(table: xr.Dataset) -> None:
    ax = ss.display.plot_periodic(table, title="").axes[0]
    cells = [patch for patch in ax.patches if isinstance(patch, Rectangle) and patch.get_width() == 1.0]
    luminance = np.array(
        [0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in (to_rgb(c.get_facecolor()) for c in cells)]
    )
    seen = table.visible.values == 1
    distance = table.separation_fwhm.values[seen]
    shade = luminance[seen]
    order = np.argsort(distance)
    assert np.all(np.diff(shade[order]) <= 1e-9)
    # separated and overlapped elements differ clearly
    assert shade[distance < 0.25].min() - shade[distance > 1.0].max() > 0.3


def test_a_few_elements_and_given_axes() -> None:
    few = ss.leis.visibility(["O", "Zr"])
    figure = ss.display.plot_periodic(few)
    again = ss.display.plot_periodic(few, ax=figure.add_subplot())
    assert again is figure
    alone = ss.leis.visibility(["Zr"])
    assert ss.display.plot_periodic(alone, title="Alone").axes[0].get_title(loc="left") == "Alone"


def test_ions_are_written_with_raised_numbers() -> None:
    assert [_ion_text(name) for name in ("4He", "4He+", "4He2+", "20Ne", "alpha")] == [
        "⁴He⁺", "⁴He⁺", "⁴He²⁺", "²⁰Ne⁺", "alpha",
    ]  # fmt: skip


def test_other_tables_are_refused() -> None:
    with pytest.raises(InputError, match="no number"):
        ss.display.plot_periodic(ss.leis.line_table(["O"]))
    with pytest.raises(SchemaError):
        ss.display.plot_periodic(xr.Dataset())
