"""The script that makes large series: what it writes is a valid, simulated series whose truth a fit finds."""

from __future__ import annotations

import functools
import importlib.util
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import surfspec as ss
from surfspec.fitting.scale import fit_in_chunks

SCRIPT = Path(__file__).resolve().parent.parent.parent / "docs" / "examples" / "make_large_series.py"
FIT = functools.partial(ss.xps.fit, recipe="Zr 3d", shift_search=0.0)


@pytest.fixture(scope="module")
def make() -> Callable[[Sequence[str]], None]:
    spec = importlib.util.spec_from_file_location("make_large_series", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.main  # type: ignore[no-any-return]


def test_a_profile_is_fitted_to_its_truth(make: Callable[[Sequence[str]], None], tmp_path: Path) -> None:
    make(["profile", str(tmp_path / "profile.nc"), "--members", "40"])
    series, truth = ss.load(tmp_path / "profile.nc"), ss.load(tmp_path / "profile.truth.nc")
    assert isinstance(series, xr.Dataset)
    ss.check(series, "spectrum")
    assert series.attrs["simulated"] == truth.attrs["simulated"] == "true"
    strong = series.isel(depth=slice(0, 25))
    fitted = fit_in_chunks(strong, FIT, chunk=10).isel(component=0)
    pulls = ((fitted["center"] - truth["center"]) / fitted["center_unc"]).values
    assert np.all(np.abs(pulls) < 4.5)
    assert abs(np.mean(pulls)) < 4.0 / np.sqrt(pulls.size)
    # the simulated background, a step, is not the model of the recipe: areas agree within 5 % of it
    assert np.mean(fitted["area"].values / truth["area"].values[:25]) == pytest.approx(1.0, abs=0.05)
    assert fitted["depth"].attrs["units"] == "nm"


def test_a_cube_as_a_store_equals_the_file(make: Callable[[Sequence[str]], None], tmp_path: Path) -> None:
    pytest.importorskip("zarr")
    size = ["--shape", "5", "100", "--seed", "3"]
    make(["cube", str(tmp_path / "cube.nc"), *size])
    make(["cube", str(tmp_path / "cube.zarr"), *size])
    file = ss.load(tmp_path / "cube.nc")
    with xr.open_zarr(tmp_path / "cube.zarr") as stored:
        assert stored["intensity"].chunks == ((2, 2, 1), (100,), (161,))
        np.testing.assert_array_equal(stored["intensity"].values, file["intensity"].values)
        ss.check(stored.compute(), "spectrum")
    with pytest.raises(SystemExit, match="exists already"):
        make(["cube", str(tmp_path / "cube.zarr"), *size])
    other = tmp_path / "other.nc"
    make(["cube", str(other), "--shape", "5", "100", "--seed", "4"])
    assert not np.array_equal(ss.load(other)["intensity"].values, file["intensity"].values)
