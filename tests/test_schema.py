"""The kinds of Dataset: what each promises is held, and what breaks it is named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

from surfspec import schema
from surfspec.errors import InputError, SchemaError
from surfspec.schema import INTENSITY_UNITS, KINDS, UNITS, axis_of, check, kind_of, series_dims
from surfspec.spectra import spectrum, stack

AXIS = "binding_energy"


@pytest.fixture
def ds() -> xr.Dataset:
    return spectrum([1.0, 2.0, 3.0], [5, 6, 7], technique="XPS", region="C 1s", intensity_unc=[1.0, 1.0, 1.0])


def dataset_of(kind: str) -> xr.Dataset:
    """The smallest Dataset that is of a kind, made from the description of the kind itself."""
    sizes = {"component": 2, "component_b": 2, "parameter": 3, "parameter_b": 3, "phase": 2, AXIS: 4}
    variables: dict[str, Any] = {}
    for name, tail in {**KINDS[kind].required, **KINDS[kind].optional}.items():
        dims = tuple(AXIS if part == "AXIS" else part for part in tail)
        shape = tuple(sizes[dim] for dim in dims)
        text = name in {"flag", "verdict", "reasons"}
        array = np.full(shape, "") if text else np.ones(shape)
        variables[name] = (dims, array, {} if text else {"units": "counts" if name.startswith("intensity") else "1"})
    attrs = {"kind": kind, "technique": "XPS", "statistics": "given", "recipe": ""}
    return xr.Dataset(variables, {AXIS: (AXIS, np.arange(4.0), {"units": "eV"})}, attrs)


@pytest.mark.parametrize("kind", KINDS)
class TestEveryKind:
    def test_smallest(self, kind: str) -> None:
        data = dataset_of(kind)
        assert check(data) is data
        assert check(data, kind) is data
        assert kind_of(data) == kind

    def test_each_missing_part_is_named(self, kind: str) -> None:
        for name in KINDS[kind].required:
            with pytest.raises(SchemaError, match=f"variable '{name}' is missing"):
                check(dataset_of(kind).drop_vars(name))
        for name in set(KINDS[kind].attrs) - {"kind"}:
            data = dataset_of(kind)
            del data.attrs[name]
            with pytest.raises(SchemaError, match=f"attribute '{name}' is missing"):
                check(data)

    def test_optional_parts_may_be_missing(self, kind: str) -> None:
        data = dataset_of(kind).drop_vars(list(KINDS[kind].optional))
        if kind == "spectrum":
            data.attrs["statistics"] = "poisson"
        check(data)

    def test_wrong_order_of_dims_is_named(self, kind: str) -> None:
        for name, tail in KINDS[kind].required.items():
            if len(tail) > 1:
                with pytest.raises(SchemaError, match=f"'{name}' has dims"):
                    check(dataset_of(kind).assign({name: dataset_of(kind)[name].transpose()}))

    def test_series_dims_are_free(self, kind: str) -> None:
        data = dataset_of(kind)
        series = data.expand_dims({"dose": 2, "spot": 3}).transpose("spot", "dose", ..., missing_dims="ignore")
        check(series)
        if "intensity" in series:
            assert series_dims(series) == ("spot", "dose")

    def test_float_without_unit(self, kind: str) -> None:
        with pytest.raises(SchemaError, match="'extra' has units None"):
            check(dataset_of(kind).assign(extra=((), 1.0)))
        with pytest.raises(SchemaError, match="'extra' has units 'furlong'"):
            check(dataset_of(kind).assign(extra=((), 1.0, {"units": "furlong"})))


class TestFaults:
    def test_all_at_once(self, ds: xr.Dataset) -> None:
        broken = ds.drop_vars("intensity").assign_attrs(technique="SIMS", odd=[1])
        with pytest.raises(SchemaError) as caught:
            check(broken)
        for part in ("'intensity' is missing", "'odd' is a list", "'SIMS' is none of XPS"):
            assert part in str(caught.value)

    @pytest.mark.parametrize("value", [True, None, [1], (1,), {"a": 1}, np.array([1.0])])
    def test_attributes_are_text_or_numbers(self, ds: xr.Dataset, value: Any) -> None:
        with pytest.raises(SchemaError, match="attribute 'odd' is a"):
            check(ds.assign_attrs(odd=value))

    @pytest.mark.parametrize("value", ["", 1, 1.5, np.float64(2.0), np.int32(3), float("nan")])
    def test_attributes_that_are_fine(self, ds: xr.Dataset, value: Any) -> None:
        assert check(ds.assign_attrs(fine=value)).attrs["fine"] is value

    @pytest.mark.parametrize("values", [np.array(["a", None], dtype=object), np.array([1, 2], dtype="M8[ns]")])
    def test_no_object_arrays(self, ds: xr.Dataset, values: Any) -> None:
        with pytest.raises(SchemaError, match="'odd' is an array of"):
            check(ds.assign(odd=("q", values)))

    @pytest.mark.parametrize("value", ["", "foo", None, ["spectrum"], 5])
    def test_unknown_kind(self, ds: xr.Dataset, value: Any) -> None:
        with pytest.raises(SchemaError, match="does not say what it is"):
            check(ds.assign_attrs(kind=value))

    @pytest.mark.parametrize("name", ["technique", "statistics"])
    def test_words_that_are_lists(self, ds: xr.Dataset, name: str) -> None:
        with pytest.raises(SchemaError, match="is a list"):
            check(ds.assign_attrs({name: ["XPS"]}))

    @pytest.mark.parametrize("value", [None, 5, "text", np.zeros(3)])
    def test_not_a_dataset(self, value: Any) -> None:
        with pytest.raises(SchemaError, match="expected an xarray Dataset"):
            check(value)

    def test_a_variable_is_not_a_dataset(self, ds: xr.Dataset) -> None:
        with pytest.raises(SchemaError, match="got DataArray"):
            check(ds["intensity"])  # type: ignore[arg-type]

    def test_another_kind_than_needed(self, ds: xr.Dataset) -> None:
        with pytest.raises(SchemaError, match=r"this is a spectrum, and a fit is needed here\. Fit the spectrum first"):
            check(ds, "fit")

    def test_statistics(self, ds: xr.Dataset) -> None:
        with pytest.raises(SchemaError, match="statistics 'gauss' is none of"):
            check(ds.assign_attrs(statistics="gauss"))
        with pytest.raises(SchemaError, match="no variable 'intensity_unc'"):
            check(ds.drop_vars("intensity_unc"))

    @pytest.mark.parametrize(
        ("values", "message"),
        [([3.0, 2.0, 1.0], "does not rise"), ([1.0, 1.0, 2.0], "does not rise"), ([1.0, 2.0, np.inf], "not finite"),
         (["a", "b", "c"], "not made of numbers")],
    )  # fmt: skip
    def test_axis_values(self, ds: xr.Dataset, values: Any, message: str) -> None:
        with pytest.raises(SchemaError, match=message):
            check(ds.assign_coords({AXIS: (AXIS, values, {"units": "eV"})}))

    def test_axis_without_values(self, ds: xr.Dataset) -> None:
        with pytest.raises(SchemaError, match="has no values"):
            check(ds.drop_vars(AXIS))

    def test_axis_of_another_technique(self, ds: xr.Dataset) -> None:
        with pytest.raises(SchemaError, match="does not belong to this technique"):
            check(ds.assign_attrs(technique="XRD"))

    def test_nothing_is_changed(self, ds: xr.Dataset) -> None:
        before = ds.copy(deep=True)
        check(ds)
        assert ds.identical(before)


class TestAxis:
    @pytest.mark.parametrize(
        ("technique", "axis"), [(technique, axis) for technique, axes in schema.TECHNIQUE_AXES.items() for axis in axes]
    )
    def test_each(self, technique: str, axis: str) -> None:
        data = spectrum([1.0, 2.0], [1, 2], technique=technique, axis=axis)
        assert axis_of(data) == axis
        assert data[axis].attrs["units"] == schema.AXES[axis][0]
        assert data[axis].attrs["units"] in UNITS

    def test_other_scale_as_second_coordinate(self, ds: xr.Dataset) -> None:
        both = ds.assign_coords(kinetic_energy=(AXIS, 1486.6 - ds[AXIS].values, {"units": "eV"}))
        assert axis_of(check(both)) == AXIS

    def test_none(self, ds: xr.Dataset) -> None:
        with pytest.raises(SchemaError, match="no spectral axis"):
            axis_of(ds.isel({AXIS: 0}))
        assert series_dims(xr.Dataset()) == ()


BAD_METADATA = [
    ("dwell_time", -1.0), ("dwell_time", 0.0), ("dwell_time", float("nan")), ("dwell_time", float("inf")),
    ("dwell_time", "5 s"), ("scans", 0), ("scans", -3), ("scans", 2.5), ("scans", "x"), ("scans", float("nan")),
    ("photon_energy", 0), ("photon_energy", "Al"), ("pass_energy", -20.0), ("ion_energy", 0.0),
    ("wavelength", -1.5), ("wavelength", "CuKa"), ("scattering_angle", 180.5), ("scattering_angle", "back"),
]  # fmt: skip


class TestMetadata:
    @pytest.mark.parametrize(("name", "value"), BAD_METADATA)
    def test_what_cannot_be_is_refused(self, name: str, value: float | str, ds: xr.Dataset) -> None:
        with pytest.raises(InputError, match=rf"{name} is ") as caught:
            check(ds.assign_attrs({name: value}))
        assert caught.value.where == name
        fit = dataset_of("fit").assign_attrs({name: value})
        with pytest.raises(InputError, match=rf"{name} is "):
            check(fit)
        with pytest.raises(InputError, match=rf"{name} is "):
            spectrum([1.0, 2.0], [3, 4], technique="XPS", **{name: value})

    def test_what_can_be_passes(self, ds: xr.Dataset) -> None:
        good = {
            "dwell_time": 0.1, "scans": 5.0, "photon_energy": 1487, "pass_energy": np.float64(20.0),
            "ion_energy": 3000.0, "wavelength": np.float32(1.5), "scattering_angle": 180,
        }  # fmt: skip
        check(ds.assign_attrs(good))

    def test_coordinates_of_a_series_too(self, ds: xr.Dataset) -> None:
        one = ds.drop_vars("intensity_unc").assign_attrs(statistics="poisson")
        series = stack([one.assign_attrs(dwell_time=0.1), one.assign_attrs(dwell_time=0.2), one], "dose", [1, 2, 3])
        check(series)
        with pytest.raises(InputError, match=r"dwell_time is -0\.1"):
            check(series.assign_coords(dwell_time=series.dwell_time * [1, -0.5, 1]))


class TestValues:
    def test_gaps_are_named(self, ds: xr.Dataset) -> None:
        with pytest.raises(SchemaError, match=r"'intensity' is not a finite number at binding_energy 1\b.*crop"):
            check(ds.where(ds[AXIS] > 1))
        one = spectrum([1.0, 2.0], [3, 4], technique="XPS")
        series = stack([one, one], "spot", ["a", "b"])
        with pytest.raises(SchemaError, match="binding_energy 2, spot b"):
            check(series.where((series.spot != "b") | (series[AXIS] < 2)))

    @pytest.mark.parametrize("value", [1e300, -1e16])
    def test_numbers_beyond_belief(self, ds: xr.Dataset, value: float) -> None:
        with pytest.raises(SchemaError, match=r"'intensity' exceeds 1e\+15 at binding_energy 1"):
            check(ds.assign(intensity=ds.intensity.where(ds[AXIS] > 1, value)))

    def test_uncertainty_of_another_unit_or_none(self, ds: xr.Dataset) -> None:
        other = ds.copy()
        other["intensity_unc"] = ds.intensity_unc.assign_attrs(units="counts/s")
        with pytest.raises(SchemaError, match="'intensity_unc' is in 'counts/s' and 'intensity' in 'counts'"):
            check(other)
        for value in (0.0, np.nan, np.inf):
            bad = ds.assign(intensity_unc=ds.intensity_unc.where(ds[AXIS] != 2, value))
            with pytest.raises(SchemaError, match="'intensity_unc' is not a positive number at binding_energy 2"):
                check(bad)

    def test_empty_series(self, ds: xr.Dataset) -> None:
        series = stack([ds, ds], "spot", [1, 2])
        with pytest.raises(SchemaError, match="empty: dimension 'spot' has size 0"):
            check(series.isel(spot=slice(0, 0)))
        with pytest.raises(SchemaError, match=f"empty: dimension '{AXIS}' has size 0"):
            check(ds.isel({AXIS: slice(0, 0)}))

    def test_remedies_of_order(self, ds: xr.Dataset) -> None:
        with pytest.raises(SchemaError, match=r'sortby\("binding_energy"\)'):
            check(ds.isel({AXIS: slice(None, None, -1)}))
        series = stack([ds, ds], "spot", [1, 2])
        with pytest.raises(SchemaError, match=r"transpose\(\.\.\., 'binding_energy'\)"):
            check(series.transpose(AXIS, "spot"))
        check(series.transpose(AXIS, "spot").transpose(..., AXIS))
        check(ds.isel({AXIS: slice(None, None, -1)}).sortby(AXIS))


@pytest.mark.parametrize("unit", INTENSITY_UNITS)
@pytest.mark.parametrize(("technique", "axis"), [("LEIS", "eV"), ("XPS", "eV"), ("XRD", "deg")])
def test_areas_of_every_intensity_have_a_unit(unit: str, technique: str, axis: str) -> None:
    assert f"{unit} {axis}" in UNITS
    assert spectrum([1.0, 2.0], [3, 4], technique=technique, units=unit)["intensity"].attrs["units"] == unit


@pytest.mark.parametrize("unit", ["A", "eV", "1", "count"])
def test_an_intensity_in_another_unit_is_refused(unit: str) -> None:
    with pytest.raises(SchemaError, match=rf"'intensity' (is in|has units) '{unit}'"):
        spectrum([1.0, 2.0], [3, 4], technique="LEIS", units=unit)
