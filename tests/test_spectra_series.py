from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import surfspec as ss
from surfspec.errors import InputError
from surfspec.spectra import stack_grid


def member(value: float, **attrs: str | float) -> xr.Dataset:
    return ss.spectrum([1.0, 2.0, 3.0], [value, 2 * value, value], technique="LEIS", **attrs)  # type: ignore[arg-type]


def test_a_grid_keeps_what_differs_at_its_own_place() -> None:
    places = [(spot, dose) for spot in (1, 2) for dose in (1e15, 2e15, 3e15)]
    rng = np.random.default_rng(1)
    order = rng.permutation(len(places))
    members = [member(10.0 * places[i][0] + places[i][1] / 1e15, source_file=f"{places[i]}", ion="4He") for i in order]
    values = {"spot": [places[i][0] for i in order], "dose": [places[i][1] for i in order]}
    series = stack_grid(members, values, where="here")
    assert series["intensity"].dims == ("spot", "dose", "kinetic_energy")
    assert series.attrs["ion"] == "4He"
    assert series["dose"].attrs["units"] == "ions/cm2"
    for spot, dose in places:
        one = series.sel(spot=spot, dose=dose)
        assert one["intensity"].values[0] == 10.0 * spot + dose / 1e15
        assert str(one["source_file"].values) == f"{(spot, dose)}"


@pytest.mark.parametrize(
    ("doses", "says"), [([1e15, 2e15, 1e15], "no file for spot 2, dose"), ([1e15, 1e15, 2e15], "more than one file")]
)
def test_a_grid_refuses_what_is_no_rectangle(doses: list[float], says: str) -> None:
    members = [member(1.0), member(2.0), member(3.0)]
    with pytest.raises(InputError, match=says):
        stack_grid(members, {"spot": [1, 1, 2], "dose": doses}, where="here", member="file")


def test_values_that_all_members_state_are_taken() -> None:
    series = ss.stack([member(1.0, dose=3.2e15), member(2.0, dose=1.6e15)], "dose")
    assert series["dose"].values.tolist() == [3.2e15, 1.6e15]
    assert series["dose"].attrs["units"] == "ions/cm2"
    assert "dose" not in series.attrs
    assert ss.stack([member(1.0, cycle=4), member(2.0, cycle=7)], "cycle")["cycle"].values.tolist() == [4, 7]
    timed = ss.stack([member(1.0, time=5.0), member(2.0, time=9.5)], "time")
    assert timed["time"].values.tolist() == [5.0, 9.5]
    assert timed["time"].attrs["units"] == "s"


def test_an_area_that_is_numbered_is_a_spot() -> None:
    series = ss.stack([member(1.0, area=3.0), member(2.0, area=5.0)], "spot")
    assert series["spot"].values.tolist() == [3, 5]
    assert "area" not in series.coords
    sized = ss.stack([member(1.0, area=0.25), member(2.0, area=0.5)], "spot")  # an area that has a size
    assert sized["spot"].values.tolist() == [0, 1]
    assert sized["area"].values.tolist() == [0.25, 0.5]


def test_members_without_a_number_are_counted() -> None:
    some = [member(1.0, dose=1e15), member(2.0)]
    assert ss.stack(some, "dose")["dose"].values.tolist() == [0, 1]


def test_one_value_stated_twice_is_no_series() -> None:
    with pytest.raises(InputError, match="2 of the 3 spectra state the dose"):
        ss.stack([member(1.0, dose=1e15), member(2.0, dose=2e15), member(3.0, dose=1e15)], "dose")


def test_given_values_must_not_contradict_the_stated_ones() -> None:
    members = [member(1.0, dose=1.6e15), member(2.0, dose=3.2e15)]
    with pytest.raises(InputError, match=r"spectrum 1 states the dose 3.2e\+15 and the value given for it is 2e\+15"):
        ss.stack(members, "dose", [1.6e15, 2e15])
    same = ss.stack(members, "dose", [1.6e15, 3.2e15 * (1 + 1e-12)], units="ions/cm2")
    assert same.sizes["dose"] == 2


def test_a_total_over_two_dimensions_is_that_of_all_members() -> None:
    rng = np.random.default_rng(4)
    counts = rng.poisson(9.0, (6, 3)).astype(float)
    x = np.array([1.0, 2.0, 3.0])
    places = {"x": [1, 1, 1, 2, 2, 2], "y": [1, 2, 3] * 2}
    for units, expected in (("counts", counts.sum(0)), ("counts/s", counts.mean(0))):
        about = {"technique": "LEIS", "units": units, "dwell_time": 2.0}
        grid = stack_grid([ss.spectrum(x, one, **about) for one in counts], places, where="here")  # type: ignore[arg-type]
        for dims in (("x", "y"), ["y", "x"]):
            added = ss.spectra.total(grid, dims)
            assert added["intensity"].dims == ("kinetic_energy",)
            np.testing.assert_allclose(added["intensity"], expected)
            assert added.attrs["members"] == 6
            assert set(added.coords) == {"kinetic_energy"}
            if units == "counts":
                assert added.attrs["dwell_time"] == 12.0
        with pytest.raises(InputError, match="no series dimension 'z'"):
            ss.spectra.total(grid, ("x", "z"))
        with pytest.raises(InputError, match="no dimension"):
            ss.spectra.total(grid, ())
