"""Spectra from arrays, their windows and their stacks: exact, rising, never silently wrong."""

from __future__ import annotations

from typing import Any

import hypothesis.extra.numpy as npst
import hypothesis.strategies as st
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings

from surfspec.errors import InputError, SchemaError, SurfspecError
from surfspec.schema import check
from surfspec.spectra import crop, spectrum, stack

X = [280.0, 281.0, 282.5]


def xps(intensity: Any = (4.0, 9.0, 1.0), **options: Any) -> xr.Dataset:
    return spectrum(X, intensity, technique="XPS", **options)


class TestSpectrum:
    def test_what_it_holds(self) -> None:
        ds = xps(region="C 1s", photon_energy=1486.6)
        assert ds["intensity"].dims == ("binding_energy",)
        assert ds["intensity"].dtype == np.float64
        assert ds["intensity"].attrs == {"units": "counts", "long_name": "Intensity"}
        assert ds["binding_energy"].attrs == {"units": "eV", "long_name": "Binding energy"}
        assert ds.attrs == {
            "kind": "spectrum", "technique": "XPS", "statistics": "poisson", "region": "C 1s", "photon_energy": 1486.6,
        }  # fmt: skip

    def test_a_falling_axis_is_turned_with_its_intensities(self) -> None:
        up = xps([1, 2, 3], intensity_unc=[0.1, 0.2, 0.3])
        down = spectrum(X[::-1], [3, 2, 1], technique="XPS", intensity_unc=[0.3, 0.2, 0.1])
        assert down.identical(up)

    @pytest.mark.parametrize(
        ("units", "unc", "expected"),
        [("counts", None, "poisson"), ("counts/s", None, "unknown"), ("arb. units", None, "unknown"),
         ("counts/s", [1.0, 1.0, 1.0], "given"), ("counts", [1.0, 1.0, 1.0], "given")],
    )  # fmt: skip
    def test_statistics(self, units: str, unc: list[float] | None, expected: str) -> None:
        ds = xps(units=units, intensity_unc=unc)
        assert ds.attrs["statistics"] == expected
        assert ("intensity_unc" in ds) == (unc is not None)
        if unc is not None:
            assert ds["intensity"].attrs["ancillary_variables"] == "intensity_unc"
            assert ds["intensity_unc"].attrs["units"] == units

    def test_given_without_uncertainties_is_refused(self) -> None:
        with pytest.raises(SurfspecError, match="intensity_unc"):
            xps(statistics="given")

    def test_series(self) -> None:
        dose = {"dose": ("dose", [1e15, 2e15], {"units": "ions/cm2"})}
        ds = spectrum([1, 2, 3], np.arange(6).reshape(2, 3), technique="LEIS", dims=("dose",), coords=dose)
        assert ds["intensity"].dims == ("dose", "kinetic_energy")
        assert ds["intensity"].sel(dose=2e15).values.tolist() == [3.0, 4.0, 5.0]

    def test_input_is_neither_changed_nor_shared(self) -> None:
        x, y, u = np.array(X)[::-1].copy(), np.array([1.0, 2.0, 3.0]), np.array([1.0, 1.0, 1.0])
        before = x.copy(), y.copy(), u.copy()
        ds = spectrum(x, y, technique="XPS", intensity_unc=u)
        ds["intensity"][:] = 0.0
        ds["intensity_unc"][:] = 5.0
        for array, old in zip((x, y, u), before, strict=True):
            np.testing.assert_array_equal(array, old)

    @pytest.mark.parametrize(
        ("x", "y", "message"),
        [
            (X, [1, 2], "has shape"),
            (X, [[1, 2], [3, 4]], "has shape"),
            ([X], [1, 2, 3], "has shape"),
            (1.0, 2.0, "has shape"),
            ([1.0], [2.0], "1 point is no spectrum"),
            ([], [], "0 points is no spectrum"),
            ([1.0, np.nan, 3.0], [1, 2, 3], "not a number at point 2"),
            ([1.0, np.inf, 3.0], [1, 2, 3], "not a number at point 2"),
            ([1.0, 2.0, 2.0], [1, 2, 3], "repeats 2 at points 2 and 3"),
            ([3.0, 3.0, 2.0], [1, 2, 3], "repeats 3 at points 1 and 2"),
            ([1.0, 3.0, 2.0, 4.0], [1, 2, 3, 4], "3 is followed by 2 at point 3"),
            (X, [1, np.nan, 3], "1 intensity is not a number, the first at binding_energy 281"),
            (X, [np.inf, np.nan, 3], "2 intensities are not a number, the first at binding_energy 280"),
            (X, [1, -2, 3], "counts are negative at binding_energy 281"),
        ],
    )
    def test_bad_arrays(self, x: Any, y: Any, message: str) -> None:
        with pytest.raises(InputError, match=message) as caught:
            spectrum(x, y, technique="XPS", where="scan.txt")
        assert caught.value.where == "scan.txt"
        assert caught.value.remedy

    def test_negative_values_that_are_no_counts(self) -> None:
        assert float(xps([1, -2, 3], units="arb. units")["intensity"].min()) == -2.0

    @pytest.mark.parametrize(
        ("unc", "message"),
        [([1.0, 1.0], "has shape"), ([1.0, 0.0, 1.0], "of point 2 is 0"), ([1.0, -1.0, 1.0], "of point 2 is -1"),
         ([1.0, 1.0, np.nan], "of point 3 is nan"), ([np.inf, 1.0, 1.0], "of point 1 is inf")],
    )  # fmt: skip
    def test_bad_uncertainties(self, unc: list[float], message: str) -> None:
        with pytest.raises(InputError, match=message):
            xps(intensity_unc=unc)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"technique": "SIMS"}, "unknown technique 'SIMS'"),
            ({"technique": "XRD", "axis": "kinetic_energy"}, "does not belong to XRD"),
            ({"technique": "XPS", "statistics": "gauss"}, "unknown statistics 'gauss'"),
            ({"technique": "XPS", "units": "cps"}, "units 'cps'"),
            ({"technique": "XPS", "dims": ("dose",)}, "1 dimensions and 2 names"),
            ({"technique": "XPS", "region": None}, "'region' is a NoneType"),
            ({"technique": "XPS", "flag": True}, "'flag' is a bool"),
        ],
    )
    def test_bad_words(self, options: Any, message: str) -> None:
        with pytest.raises(SurfspecError, match=message):
            spectrum(X, [1, 2, 3], **options)

    @settings(max_examples=100, deadline=None)
    @given(
        npst.arrays(np.float64, st.integers(0, 6), elements=st.floats(width=64)),
        npst.arrays(np.float64, npst.array_shapes(min_dims=0, max_dims=2, max_side=6)),
    )
    def test_any_numbers_give_a_valid_spectrum_or_a_refusal(self, x: Any, y: Any) -> None:
        try:
            ds = spectrum(x, y, technique="LEIS", units="arb. units", dims=("spot",) * (y.ndim - 1))
        except SurfspecError as error:
            assert error.remedy  # noqa: PT017  every refusal has a remedy
        else:
            check(ds, "spectrum")
            assert ds["intensity"].shape == y.shape


class TestCrop:
    def test_window_in_either_order(self) -> None:
        assert crop(xps(), 282.5, 281.0).identical(xps().isel(binding_energy=slice(1, None)))

    def test_whole_range_is_the_same(self) -> None:
        assert crop(xps(), -np.inf, np.inf).identical(xps())

    @pytest.mark.parametrize("window", [(0, 1), (280, 280.5), (np.nan, 282)])
    def test_too_few_points(self, window: tuple[float, float]) -> None:
        with pytest.raises(InputError, match=r"holds [01] points of 280 to 282\.5 eV"):
            crop(xps(), *window)

    def test_not_a_spectrum(self) -> None:
        with pytest.raises(SchemaError):
            crop(xr.Dataset(), 1, 2)


class TestStack:
    def test_members_come_back_exactly(self) -> None:
        members = [xps([1, 2, 3]), xps([4, 5, 6]), xps([7, 8, 9])]
        series = stack(members, "dose", [1e15, 2e15, 4e15], units="ions/cm2")
        assert series["intensity"].dims == ("dose", "binding_energy")
        assert series["dose"].attrs["units"] == "ions/cm2"
        for index, member in enumerate(members):
            assert series.isel(dose=index).drop_vars("dose").identical(member)

    def test_attributes_shared_and_differing(self) -> None:
        one = xps(sample="A", instrument="K", dwell_time=0.1)
        two = xps(sample="B", instrument="K", dwell_time=0.2, region="C 1s")
        series = stack([one, two], "cycle")
        assert series.attrs["instrument"] == "K"
        assert "sample" not in series.attrs
        assert series["sample"].values.tolist() == ["A", "B"]
        assert series["dwell_time"].values.tolist() == [0.1, 0.2]
        assert series["region"].values.tolist() == ["", "C 1s"]

    def test_labels_of_text(self) -> None:
        series = stack([xps(), xps()], "sample", ["polished", "sintered"])
        assert series.sel(sample="polished")["intensity"].shape == (3,)
        assert series["sample"].dtype.kind == "U"

    def test_twice(self) -> None:
        row = stack([xps([1, 2, 3]), xps([4, 5, 6])], "dose", [1.0, 2.0], units="ions/cm2")
        both = stack([row, row], "spot")
        assert both["intensity"].dims == ("spot", "dose", "binding_energy")

    def test_uncertainties_are_stacked_too(self) -> None:
        one, two = xps(intensity_unc=[1.0, 1.0, 1.0]), xps(intensity_unc=[2.0, 2.0, 2.0])
        assert stack([one, two], "cycle")["intensity_unc"].values[:, 0].tolist() == [1.0, 2.0]

    def test_axes_equal_within_a_thousandth_of_a_step_become_one(self) -> None:
        other = spectrum(np.array(X) + 5e-4, [1, 2, 3], technique="XPS")
        assert stack([xps(), other], "cycle")["binding_energy"].values.tolist() == X
        with pytest.raises(InputError, match=r"differs from that of spectrum 0 by up to 0\.002"):
            stack([xps(), spectrum(np.array(X) + 2e-3, [1, 2, 3], technique="XPS")], "cycle")

    def test_order_of_members_is_order_of_values(self) -> None:
        down = stack([xps([1, 2, 3]), xps([4, 5, 6])], "dose", [2.0, 1.0], units="ions/cm2")
        assert down["dose"].values.tolist() == [2.0, 1.0]
        assert down["intensity"].sel(dose=1.0).values.tolist() == [4.0, 5.0, 6.0]

    def test_inputs_stay_as_they_are(self) -> None:
        one, two = xps(sample="A"), xps(sample="B")
        before = one.copy(deep=True), two.copy(deep=True)
        stack([one, two], "cycle")["intensity"][:] = 0.0
        assert one.identical(before[0])
        assert two.identical(before[1])

    @pytest.mark.parametrize(
        ("others", "options", "message"),
        [
            ([], {"values": [1, 2]}, "2 values for 1 spectra"),
            ([crop(xps(), 281, 283)], {}, "spectrum 1 has 2 points"),
            ([xps(units="counts/s")], {}, "statistics differs: 'poisson' and 'unknown'"),
            ([spectrum(X, [1, 2, 3], technique="LEIS")], {}, "spectrum 1 has 0 points on 'binding_energy'"),
        ],
    )
    def test_what_cannot_be_stacked(self, others: list[xr.Dataset], options: Any, message: str) -> None:
        with pytest.raises(InputError, match=message):
            stack([xps(), *others], "cycle", **options)

    def test_different_units(self) -> None:
        with pytest.raises(InputError, match="different units"):
            stack([xps(units="counts/s"), xps(units="arb. units")], "cycle")

    def test_values_that_are_none(self) -> None:
        with pytest.raises(SurfspecError):
            stack([xps(), xps()], "dose", [None, 1])

    def test_nothing(self) -> None:
        with pytest.raises(InputError, match="nothing to stack"):
            stack([], "cycle")

    def test_not_spectra(self) -> None:
        with pytest.raises(SchemaError):
            stack([xps(), xps().assign_attrs(kind="table")], "cycle")


class TestMendedFaults:
    """Inputs that once gave a foreign traceback or a silently wrong value."""

    @pytest.mark.parametrize("x", [["a", "b", "c"], [[1, 2], [3]], [1j, 2j, 3j]])
    def test_axis_that_is_no_array_of_numbers(self, x: Any) -> None:
        with pytest.raises(InputError):
            spectrum(x, [1, 2, 3], technique="XPS")

    def test_dates_are_no_energies(self) -> None:
        with pytest.raises(InputError):
            spectrum(np.array(["2020-01-01", "2020-01-02"], dtype="M8[D]"), [1, 2], technique="XPS")

    def test_masked_values_are_not_values(self) -> None:
        with pytest.raises(InputError):
            xps(np.ma.masked_array([1.0, 999.0, 3.0], mask=[False, True, False]))

    def test_a_rate_does_not_follow_poisson_statistics(self) -> None:
        with pytest.raises(SurfspecError):
            xps(units="counts/s", statistics="poisson")

    @pytest.mark.parametrize("dims", [("a", "a"), ("binding_energy", "a")])
    def test_names_of_dimensions_once(self, dims: tuple[str, ...]) -> None:
        with pytest.raises(InputError):
            xps(np.ones((3, 3, 3)), dims=dims)

    def test_coordinate_of_another_length(self) -> None:
        with pytest.raises(InputError):
            xps(np.ones((2, 3)), dims=("run",), coords={"run": ("run", [1, 2, 3])})

    def test_scalar_coordinates_that_differ_are_kept(self) -> None:
        members = [xps().assign_coords(spot="p"), xps().assign_coords(spot="q")]
        assert stack(members, "cycle")["spot"].values.tolist() == ["p", "q"]

    @pytest.mark.parametrize("dim", ["binding_energy", "spot"])
    def test_stacking_along_a_dimension_that_is_there(self, dim: str) -> None:
        series = stack([xps(), xps()], "spot")
        with pytest.raises(InputError):
            stack([series, series], dim)

    def test_a_number_that_one_member_lacks_is_nan(self) -> None:
        scans = stack([xps(), xps(scans=3)], "cycle")["scans"].values
        np.testing.assert_array_equal(scans, [np.nan, 3.0])

    def test_units_of_differing_attributes(self) -> None:
        series = stack([xps(dwell_time=0.1), xps(dwell_time=0.2)], "cycle")
        assert series["dwell_time"].attrs["units"] == "s"

    def test_members_of_different_series(self) -> None:
        with pytest.raises(InputError):
            stack([xps(), stack([xps(), xps()], "spot")], "cycle")

    def test_window_of_words(self) -> None:
        with pytest.raises(InputError):
            crop(xps(), "a", 282)  # type: ignore[arg-type]


class TestStackingTwice:
    """What differs inside an inner series, or between two of them, is never dropped."""

    @staticmethod
    def one(name: str, seconds: float) -> xr.Dataset:
        return xps(source_file=name, dwell_time=seconds)

    def inner(self, *members: tuple[str, float]) -> xr.Dataset:
        return stack([self.one(*member) for member in members], "dose", [1.0, 2.0])

    def test_differences_everywhere(self) -> None:
        both = stack([self.inner(("a", 1.0), ("b", 2.0)), self.inner(("c", 3.0), ("d", 4.0))], "spot", [0, 1])
        assert both.source_file.transpose("spot", "dose").values.tolist() == [["a", "b"], ["c", "d"]]
        assert both.dwell_time.transpose("spot", "dose").values.tolist() == [[1.0, 2.0], [3.0, 4.0]]

    @pytest.mark.parametrize("order", [1, -1])
    def test_differences_in_one_member_only(self, order: int) -> None:
        parts = [self.inner(("a", 1.0), ("b", 2.0)), self.inner(("c", 3.0), ("c", 3.0))][::order]
        assert "source_file" in self.inner(("c", 3.0), ("c", 3.0)).attrs
        both = stack(parts, "spot", [0, 1])
        files = both.source_file.transpose("spot", "dose").values.tolist()
        assert files == [["a", "b"], ["c", "c"]][::order]
        assert both.dwell_time.transpose("spot", "dose").values.tolist() == [[1.0, 2.0], [3.0, 3.0]][::order]
        assert both.dwell_time.attrs["units"] == "s"
        assert not {"source_file", "dwell_time"} & set(both.attrs)
        assert both.isel(spot=0, dose=1)["source_file"].item() == files[0][1]

    def test_the_inputs_stay(self) -> None:
        parts = [self.inner(("a", 1.0), ("b", 2.0)), self.inner(("c", 3.0), ("c", 3.0))]
        before = [part.copy(deep=True) for part in parts]
        stack(parts, "spot", [0, 1])
        assert all(part.identical(old) for part, old in zip(parts, before, strict=True))


def test_binding_energies_far_below_zero_are_a_slip() -> None:
    with pytest.raises(InputError, match="reach down to -1066"):
        spectrum([-1066.0, -1060.0], [5, 6], technique="XPS")
    assert spectrum([-10.0, 5.0], [5, 6], technique="XPS").sizes["binding_energy"] == 2
