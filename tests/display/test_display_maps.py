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
    title = ax.get_title(loc="left")
    assert "grey: 1 of 20" in title
    assert "1 failed (5 %)" in title
    forced = ss.display.plot_map(image, force=True, title="").axes[0].collections[0].get_array()
    assert not np.ma.getmaskarray(forced).any()


def test_a_quantity_without_components(image: xr.Dataset) -> None:
    figure = ss.display.plot_map(image, "reduced_chi2", title="")
    assert figure.axes[0].get_title(loc="left").startswith("of 20: ")


def test_what_is_no_map_is_refused(image: xr.Dataset) -> None:
    with pytest.raises(InputError, match="two"):
        ss.display.plot_map(image.isel(y=0))
    with pytest.raises(InputError, match="variable"):
        ss.display.plot_map(image, "colour")
    with pytest.raises(InputError, match="component"):
        ss.display.plot_map(image, component="Zr5+")


def test_x_runs_across_and_y_upwards_in_a_fit_and_in_its_table() -> None:
    """A fit over (x, y) and the table made of it are the same picture; power of ten and verdicts are written out."""
    energy = np.arange(1000.0, 2800.0, 10.0)
    rng = np.random.default_rng(3)
    heights = 2.0e4 * (1 + np.arange(6.0).reshape(3, 2))  # over (x, y)
    counts = 50 + heights[..., None] * np.exp(-0.5 * ((energy - 2557.0) / 20.0) ** 2)
    scan = ss.spectrum(
        energy, rng.poisson(counts), technique="LEIS", dims=("x", "y"), ion="4He", ion_energy=3000.0,
        scattering_angle=145.0, simulated="true",
    ).assign_coords(x=("x", [0.0, 0.5, 1.0], {"units": "mm"}), y=("y", [1.0, 0.5], {"units": "mm"}))  # fmt: skip
    fit = ss.leis.fit(scan, ss.leis.Recipe(elements=("Zr",), foot=False))
    fit["verdict"] = (("x", "y"), [["ok", "check"], ["ok", "ok"], ["check", "ok"]])
    table = xr.Dataset(
        {
            "normalised_area": (
                ("y", "x", "element"),
                fit.area.transpose("y", "x", "component").values,
                fit.area.attrs,
            ),
            "verdict": fit.verdict,
        },
        coords={"x": fit.x, "y": fit.y, "element": ["Zr"]},
        attrs={"kind": "table", "technique": "LEIS", "simulated": "true"},
    )
    drawn = [
        ss.display.plot_map(fit, "area", element="Zr"),
        ss.display.plot_map(table, "normalised_area", element="Zr"),
    ]
    for figure in drawn:
        ax, bar = figure.axes
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("x (mm)", "y (mm)")
        np.testing.assert_allclose(ax.get_ylim(), (0.25, 1.25))
        mesh = ax.collections[0]
        np.testing.assert_array_equal(mesh.get_array().reshape(2, 3), fit.area.values[..., 0].T)
        # the first row of y lies at y = 1, above the second
        assert mesh.get_coordinates()[0, 0, 1] > mesh.get_coordinates()[-1, 0, 1]
        assert "of 6: 2 check (33 %)" in ax.get_title(loc="left")
        assert bar.get_ylabel().endswith("(10⁶ counts·eV)")
        figure.canvas.draw()
        assert bar.yaxis.get_offset_text().get_text() == ""
        shown = [float(tick.get_text().replace("−", "-")) for tick in bar.get_yticklabels()]
        assert max(shown) < 10
    with pytest.raises(InputError, match="one of the two"):
        ss.display.plot_map(fit, component="Zr", element="O")
    with pytest.raises(InputError, match="component"):
        ss.display.plot_map(fit, element="O")
