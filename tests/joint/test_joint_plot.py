"""The figure of a joint estimate shows what the table says."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
import xarray as xr
from matplotlib.patches import Ellipse

import surfspec as ss
from surfspec.errors import InputError


@pytest.fixture(scope="module")
def table(make: ModuleType) -> xr.Dataset:
    rng = np.random.default_rng(3)
    true = make.film(rng, 0.85, 2, 2.5e-16)
    return ss.joint.film(make.coverages(rng, true), make.thicknesses(rng, true), xps=make.attenuation(rng, true))


def test_pulls_and_ellipse_are_those_of_the_table(table: xr.Dataset) -> None:
    plane, pulls = ss.display.plot_joint(table).axes
    drawn = np.concatenate([line.get_xdata() for line in pulls.lines if line.get_linestyle() == "None"])
    assert sorted(drawn) == sorted(table["pull"].values)
    assert [label.get_text()[:13] for label in pulls.get_yticklabels()] == [n[:13] for n in table["datum"].values]
    assert "LEIS edge at 1.6×10¹⁵ cm⁻²" in [label.get_text() for label in pulls.get_yticklabels()]
    ellipse = next(patch for patch in plane.patches if isinstance(patch, Ellipse))
    assert ellipse.get_center() == (float(table["coverage"]), float(table["thickness"]))
    area = ellipse.width * ellipse.height / 4
    assert area == pytest.approx(float(np.linalg.det(table["covariance"].values[:2, :2]) ** 0.5))
    assert "nm" in plane.get_ylabel()


def test_the_curve_of_xps_is_that_of_constant_attenuation(table: xr.Dataset, make: ModuleType) -> None:
    plane = ss.display.plot_joint(table).axes[0]
    curve = max(plane.lines, key=lambda line: len(line.get_xdata()))
    c, t = (np.asarray(values, dtype=float) for values in curve.get_data())
    good = np.isfinite(t)
    product = c[good] * (1 - np.exp(-t[good] / make.LENGTH))
    closed = float(table["technique_equivalent_thickness"].sel(technique="XPS"))
    np.testing.assert_allclose(product, 1 - np.exp(-closed / make.LENGTH), rtol=1e-9)


def test_simulated_data_are_called_so(table: xr.Dataset) -> None:
    assert "simulated" in ss.display.plot_joint(table).axes[0].get_title(loc="left")


def test_another_table_is_refused(make: ModuleType) -> None:
    rng = np.random.default_rng(1)
    with pytest.raises(InputError, match="no joint estimate"):
        ss.display.plot_joint(make.coverages(rng, make.film(rng, 0.8, 2, 2e-16)))
