"""Maps of a quantity over two dimensions of a series."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import surfspec as ss
from surfspec.errors import InputError

ENERGY = np.arange(176.0, 192.0, 0.2)
LINE = np.exp(-((ENERGY - 182.4) ** 2)) + 0.67 * np.exp(-((ENERGY - 184.8) ** 2))


@pytest.fixture(scope="module")
def image() -> xr.Dataset:
    """Simulated: 4 x 5 pixels, a bare one among them."""
    rng = np.random.default_rng(0)
    height = np.arange(20.0).reshape(4, 5) * 40 + 300
    height[1, 2] = 0.0
    rows = [
        ss.stack([ss.spectrum(ENERGY, rng.poisson(60 + h * LINE), technique="XPS") for h in row], dim="x")
        for row in height
    ]
    places = {"y": ("y", 0.5 * np.arange(4), {"units": "um"}), "x": ("x", 0.5 * np.arange(5), {"units": "um"})}
    return ss.xps.fit(ss.stack(rows, dim="y").assign_coords(places), "Zr 3d", energy_shift=0.0)


def test_every_pixel_lies_where_it_was_measured(image: xr.Dataset) -> None:
    figure = ss.display.plot_map(image, "area", component="Zr4+ 3d5/2")
    ax, bar = figure.axes
    shown = ax.collections[0].get_array().reshape(4, 5)
    assert shown.mask.tolist() == (image.verdict.values == "failed").tolist()
    np.testing.assert_array_equal(shown.data[0], image.area.sel(component="Zr4+ 3d5/2").values[0])
    assert (ax.get_xlabel(), ax.get_ylabel(), bar.get_ylabel()) == ("x (µm)", "y (µm)", "Area (counts·eV)")
    np.testing.assert_allclose(ax.get_xlim(), (-0.25, 2.25))
    assert "grey: 1 of 20" in ax.get_title(loc="left")
    forced = ss.display.plot_map(image, force=True, title="").axes[0].collections[0].get_array()
    assert not np.ma.getmaskarray(forced).any()


def test_a_quantity_without_components(image: xr.Dataset) -> None:
    figure = ss.display.plot_map(image, "reduced_chi2", title="")
    assert figure.axes[0].get_title(loc="left").startswith("grey")


def test_what_is_no_map_is_refused(image: xr.Dataset) -> None:
    with pytest.raises(InputError, match="two"):
        ss.display.plot_map(image.isel(y=0))
    with pytest.raises(InputError, match="variable"):
        ss.display.plot_map(image, "colour")
    with pytest.raises(InputError, match="component"):
        ss.display.plot_map(image, component="Zr5+")
