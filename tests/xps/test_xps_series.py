"""Series of core levels: many at once like one by one, start values, parameters in common, known shifts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

import surfspec as ss
from surfspec.errors import InputError
from surfspec.fitting.model import BoundModel
from surfspec.xps.model import build

X = np.arange(175.0, 193.0, 0.1)
STRENGTHS = (3000.0, 1000.0, 300.0, 100.0, 30.0, 0.0)
FREE = ("Zr4+ center", "Zr4+ fwhm_gauss", "Zr4+ fwhm_lorentz", "Zr4+ splitting")


def expected(area: float, level: float = 200.0, shift: float = 0.0, fwhm: float = 1.2) -> np.ndarray:
    """Simulated: the shipped doublet on a level and the step that its losses leave."""
    table = build(ss.xps.load_recipe("Zr 3d"), shift=shift)
    truth = {"Zr4+ area": area, "Zr4+ fwhm_gauss": fwhm}
    values = np.array([truth.get(p.name, p.value) for p in table.model.parameters])
    peaks = BoundModel(table.model, X, np.zeros(X.size)).evaluate(values)
    return np.asarray(level + peaks + 0.02 * np.cumsum(peaks) * 0.1)


def series(members: int = 40, *, level: float = 200.0, dim: str = "spot", **options: float) -> xr.Dataset:
    rng = np.random.default_rng(7)
    rows = [rng.poisson(expected(STRENGTHS[i % 6], level, **options)).astype(float) for i in range(members)]
    whole = ss.spectrum(X, rows[0], technique="XPS", region="Zr 3d")
    return ss.stack([whole.assign(intensity=whole.intensity.copy(data=row)) for row in rows], dim=dim)


@pytest.fixture(scope="module")
def both() -> tuple[xr.Dataset, xr.Dataset]:
    data = series()
    one_by_one = ss.xps.fit(data, "Zr 3d", energy_shift=0.0, engine="single")
    return one_by_one, ss.xps.fit(data, "Zr 3d", energy_shift=0.0, engine="numpy")


def same(one: xr.Dataset, two: xr.Dataset, tolerance: float = 1e-3) -> None:
    """The same verdicts and reasons; where there is a peak, the same flags and numbers within their uncertainties."""
    for name in ("verdict", "reasons"):
        assert np.array_equal(one[name].values, two[name].values), name
    seen = one.verdict.values != "failed"
    one, two = one.isel(spot=seen), two.isel(spot=seen)
    assert np.array_equal(one.flag.values, two.flag.values)
    for name in ("area", "center", "fwhm", "height", "value"):
        unc = one[f"{name}_unc"].values
        known = np.isfinite(unc) & (unc > 0)
        assert np.array_equal(np.isfinite(unc), np.isfinite(two[f"{name}_unc"].values)), name
        apart = np.abs(one[name].values - two[name].values)[known] / unc[known]
        assert known.any()
        assert apart.max() < tolerance, (name, apart.max())
        np.testing.assert_allclose(two[f"{name}_unc"].values[known], unc[known], rtol=tolerance, err_msg=name)
    np.testing.assert_allclose(two["model"], one["model"], rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(two["deviance"], one["deviance"], rtol=1e-6)


def test_many_at_once_like_one_by_one(both: tuple[xr.Dataset, xr.Dataset]) -> None:
    one_by_one, together = both
    assert {"ok", "failed"} <= set(one_by_one.verdict.values)
    same(one_by_one, together)
    whole = together.background + together.contribution.sum("component")
    assert np.array_equal(together.model.values, whole.values)
    assert set(one_by_one.variables) == set(together.variables)
    assert one_by_one.attrs == together.attrs


def test_long_series_take_the_fast_way(both: tuple[xr.Dataset, xr.Dataset]) -> None:
    xr.testing.assert_identical(ss.xps.fit(series(), "Zr 3d", energy_shift=0.0), both[1])


@pytest.mark.parametrize("kind", ["shirley", "linear", "constant", "tougaard", "shirley_iterative"])
def test_every_background(kind: str) -> None:
    recipe = replace(ss.xps.load_recipe("Zr 3d"), background=ss.xps.Background(kind=kind))
    data = series(6)
    same(
        ss.xps.fit(data, recipe, energy_shift=0.0, engine="single"),
        ss.xps.fit(data, recipe, energy_shift=0.0, engine="numpy"),
    )


def test_unknown_and_given_statistics() -> None:
    counts = series(6, level=500.0)
    rate = counts.assign(intensity=counts.intensity / 3.7)
    for statistics in ("unknown", "given"):
        data = rate.copy()
        data.attrs = {**data.attrs, "statistics": statistics}
        data.intensity.attrs = {**counts.intensity.attrs, "units": "counts/s"}
        if statistics == "given":
            data["intensity_unc"] = (data.intensity / 3.7 + 1) ** 0.5
            data["intensity_unc"].attrs = dict(data.intensity.attrs)
        same(
            ss.xps.fit(data, "Zr 3d", energy_shift=0.0, engine="single"),
            ss.xps.fit(data, "Zr 3d", energy_shift=0.0, engine="numpy"),
        )


def test_unknown_statistics_with_nothing_in_doubt() -> None:
    strong = series(36).isel(spot=slice(0, None, 6))
    strong.attrs = {**strong.attrs, "statistics": "unknown"}
    found = ss.xps.fit(strong, "Zr 3d", energy_shift=0.0, engine="numpy")
    assert set(found.verdict.values) == {"check"}
    assert all("statistics unknown" in text for text in found.reasons.values)


def test_a_member_does_not_know_the_others(both: tuple[xr.Dataset, xr.Dataset]) -> None:
    data = series()
    order = np.random.default_rng(0).permutation(data.sizes["spot"])[:23]
    some = ss.xps.fit(data.isel(spot=order), "Zr 3d", energy_shift=0.0, engine="numpy")
    whole = both[1].isel(spot=order)
    assert np.array_equal(some.reasons, whole.reasons)
    for name in ("area", "area_unc", "value", "deviance", "model"):
        np.testing.assert_allclose(some[name], whole[name], rtol=1e-9, atol=1e-9)


def test_torn_members_are_failed_and_leave_the_others_alone(both: tuple[xr.Dataset, xr.Dataset]) -> None:
    data = series()
    data.intensity[3] = 0.0
    data.intensity[4, :] = 7.0
    found = ss.xps.fit(data, "Zr 3d", energy_shift=0.0, engine="numpy")
    single = ss.xps.fit(data, "Zr 3d", energy_shift=0.0, engine="single")
    assert list(found.verdict.values[3:5]) == ["failed", "failed"]
    assert np.array_equal(found.verdict, single.verdict)
    assert found.reasons.values[3].startswith("refused: every intensity is zero")
    assert single.reasons.values[3].startswith("refused: every intensity is zero")
    keep = [i for i in range(40) if i not in (3, 4)]
    np.testing.assert_allclose(found.area[keep], both[1].area[keep], rtol=1e-9)


def test_neighbours_follow_a_drift_that_one_start_cannot() -> None:
    rng = np.random.default_rng(3)
    drift = np.linspace(0.0, 3.2, 17)  # the recipe reaches 1.4 eV
    recipe = ss.xps.load_recipe("Zr 3d")
    wide = replace(
        recipe,
        window=(175.5, 192.5),
        doublets=(replace(recipe.doublets[0], center=ss.xps.Range(value=182.4, low=181.0, high=186.5)),),
    )
    rows = [ss.spectrum(X, rng.poisson(expected(2000.0, shift=d)).astype(float), technique="XPS") for d in drift]
    data = ss.stack(rows, dim="time").assign_coords(time=("time", np.arange(17.0), {"units": "s"}))
    found = ss.xps.fit(data, wide, energy_shift=0.0, start="neighbour", along="time")
    center = found.center.isel(component=0)
    assert (found.verdict == "ok").mean() > 0.9
    assert float(np.abs(center - 182.4 - drift).max()) < 0.03
    fresh = ss.xps.fit(data.isel(time=slice(0, 4)), wide, energy_shift=0.0)
    apart = (found.area[:4] - fresh.area) / fresh.area_unc
    assert float(np.abs(apart).max()) < 0.1


def test_global_starts_agree_with_fresh_ones(both: tuple[xr.Dataset, xr.Dataset]) -> None:
    for engine in ("single", "numpy"):
        found = ss.xps.fit(series(), "Zr 3d", energy_shift=0.0, start="global", engine=engine)
        strong = np.isin(np.arange(40) % 6, (0, 1))
        apart = (found.area - both[0].area)[strong] / both[0].area_unc[strong]
        assert float(np.abs(apart).max()) < 1e-2


def test_parameters_in_common() -> None:
    data = series(12)
    free = ss.xps.fit(data, "Zr 3d", energy_shift=0.0)
    joint = ss.xps.fit(data, "Zr 3d", energy_shift=0.0, shared=FREE)
    for name in FREE:
        column = joint.value.sel(parameter=name)
        assert float(np.ptp(column.values)) == 0.0
    truth = {"Zr4+ center": 182.4, "Zr4+ fwhm_gauss": 1.2, "Zr4+ splitting": 2.41}
    for name, value in truth.items():
        unc = float(joint.value_unc.sel(parameter=name)[0])
        alone = free.value_unc.sel(parameter=name)[[0, 6]]
        assert abs(float(joint.value.sel(parameter=name)[0]) - value) < 4 * unc
        assert 0.5 * float(alone.mean()) / np.sqrt(2) < unc < float(alone.mean()) / np.sqrt(2) * 1.05
    area = joint.area.isel(component=0)
    pulls = (area - np.array([STRENGTHS[i % 6] for i in range(12)])) / joint.area_unc.isel(component=0)
    assert float(np.abs(pulls).max()) < 4
    assert joint.attrs["shared"] == ", ".join(FREE)
    # weak members gain most: their own widths were free before
    assert float(joint.area_unc[3, 0]) < float(free.area_unc[3, 0])


def test_sharing_what_differs_is_named() -> None:
    rng = np.random.default_rng(5)
    rows = [rng.poisson(expected(2000.0, shift=d)).astype(float) for d in np.linspace(0.0, 0.08, 12)]
    whole = ss.spectrum(X, rows[0], technique="XPS", region="Zr 3d")
    drifting = ss.stack([whole.assign(intensity=whole.intensity.copy(data=row)) for row in rows], dim="time")
    centre = ss.xps.fit(drifting, "Zr 3d", energy_shift=0.0, shared=["Zr4+ center"])
    assert set(centre.verdict.values) == {"check"}
    assert all("sharing improbable" in text for text in centre.reasons.values)
    width = ss.xps.fit(drifting, "Zr 3d", energy_shift=0.0, shared=["Zr4+ fwhm_gauss"])
    assert set(width.verdict.values) == {"ok"}


def test_two_peaks_at_one_place_are_not_determined_and_not_absent() -> None:
    recipe = ss.xps.load_recipe("Zr 3d")
    same = ss.xps.Range(follows="Zr4+")
    widths = {"fwhm_gauss": same, "fwhm_lorentz": same}
    twin = replace(recipe.doublets[0], name="twin", species="twin", center=same, splitting=same, widths=widths)
    data = series(6).isel(spot=[0])
    for engine in ("single", "numpy"):
        found = ss.xps.fit(data, replace(recipe, doublets=(recipe.doublets[0], twin)), energy_shift=0.0, engine=engine)
        assert found.verdict.item() == "failed"
        assert "no peak detected" not in found.reasons.item()
        assert "not determined" in found.reasons.item()


def test_a_level_that_falls_by_noise_is_no_fault() -> None:
    rng = np.random.default_rng(2)
    table = build(ss.xps.load_recipe("Zr 3d"))
    values = np.array([3000.0 if p.name == "Zr4+ area" else p.value for p in table.model.parameters])
    mean = BoundModel(table.model, X, np.full(X.size, 100.0)).evaluate(values)
    one = ss.spectrum(X, mean, technique="XPS", region="Zr 3d")
    flat = one.drop_vars("intensity")
    flat["intensity"] = (("spot", "binding_energy"), rng.poisson(mean, (200, X.size)) * 1.0, one.intensity.attrs)
    recipe = replace(ss.xps.load_recipe("Zr 3d"), background=ss.xps.Background(kind="shirley"))
    found = ss.xps.fit(flat, recipe, energy_shift=0.0, engine="numpy")
    falls = np.array(["level falls" in text for text in found.reasons.values])
    assert falls.mean() < 0.06  # two sigma, one side
    bad = flat.copy(deep=True)
    bad["intensity"] = flat.intensity + 40.0 * (X < 182.0)
    bad.intensity.attrs = flat.intensity.attrs
    steep = ss.xps.fit(bad, recipe, energy_shift=0.0, engine="numpy")
    assert np.mean(["level falls" in text or "refused" in text for text in steep.reasons.values]) > 0.9


def test_parameters_in_common_along_one_dimension() -> None:
    data = xr.concat([series(4, dim="spot"), series(4, dim="spot", fwhm=1.8)], dim="sample")
    found = ss.xps.fit(data, "Zr 3d", energy_shift=0.0, shared=["Zr4+ fwhm_gauss"], over="spot")
    width = found.value.sel(parameter="Zr4+ fwhm_gauss")
    assert np.all(np.ptp(width.transpose("sample", "spot").values, axis=1) == 0.0)
    one, two = width.isel(spot=0).values
    assert one == pytest.approx(1.2, abs=0.1)
    assert two == pytest.approx(1.8, abs=0.1)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"shared": ["Zr4+ fwhm"]}, "Zr4\\+ fwhm_gauss"),
        ({"shared": "Zr4+ area"}, "one text"),
        ({"shared": ["Zr4+ center"], "over": "dose"}, "no series dimension"),
        ({"over": "spot"}, "shared"),
        ({"along": "spot"}, "neighbour"),
        ({"start": "neighbour", "along": ["spot"]}, "along"),
        ({"progress": 3}, "progress"),
        ({"energy_shift": 1.0, "shift_search": 2.0}, "at once"),
        ({"energy_shift": 80.0}, "energy_shift"),
        ({"engine": "cuda"}, "engine"),
        ({"engine": "numpy", "start": "neighbour"}, "neighbour"),
        ({"start": "best"}, "start"),
    ],
)
def test_what_cannot_be_asked_is_refused(options: dict, words: str) -> None:
    with pytest.raises(InputError, match=words):
        ss.xps.fit(series(2), "Zr 3d", **options)


def test_a_known_shift_is_applied_and_not_searched() -> None:
    data = series(6, shift=2.0)
    found = ss.xps.fit(data, "Zr 3d", shift_search=4.0)
    again = ss.xps.fit(data.isel(spot=[1]), "Zr 3d", energy_shift=found.attrs["energy_shift"])
    assert found.attrs["energy_shift"] == pytest.approx(2.0, abs=0.15)
    assert again.attrs["energy_shift"] == found.attrs["energy_shift"]
    np.testing.assert_allclose(again.area, found.area[[1]], rtol=1e-6)


def test_start_values_are_shown_and_never_taken_for_a_fit() -> None:
    data = series(2).isel(spot=0)
    begin = ss.check(ss.xps.start_values(data, "Zr 3d"), "fit")
    assert begin.verdict.item() == "failed"
    assert "not fitted" in begin.reasons.item()
    assert np.isnan(begin.area_unc).all()
    whole = begin.background + begin.contribution.sum("component")
    assert np.array_equal(begin.model.values, whole.values)
    fitted = ss.xps.fit(data, "Zr 3d")
    np.testing.assert_allclose(begin.value, fitted.start)
    assert "not fitted" in ss.summary(begin)
    assert ss.plot(begin).axes
    with pytest.raises(ss.SurfspecError, match="not fitted"):
        ss.xps.normalise({"Zr 3d": begin}, to="Zr 3d5/2")


def test_names_of_results_are_no_names_of_dimensions() -> None:
    with pytest.raises(ss.SurfspecError, match=r"rename\(component="):
        ss.xps.fit(series(2).rename(spot="component"), "Zr 3d")


def test_a_series_is_no_sample() -> None:
    fitted = ss.xps.fit(series(2), "Zr 3d")
    with pytest.raises(InputError, match="series over spot"):
        ss.xps.normalise({"Zr 3d": fitted})


def test_error_bars_do_not_hang_on_where_an_absent_peak_was_left() -> None:
    """An overlapping peak of area zero stands where the recipe has it, in both ways, whatever the fit did with it."""
    recipe = ss.xps.load_recipe("Zr 3d")
    same = ss.xps.Range(follows="Zr4+")
    widths = {"fwhm_gauss": same, "fwhm_lorentz": same}
    place = ss.xps.Range(value=180.6, low=180.4, high=180.8)
    other = replace(recipe.doublets[0], name="Zr2+", species="Zr2+", center=place, splitting=same, widths=widths)
    two = replace(recipe, doublets=(recipe.doublets[0], other))
    data = series(90).isel(spot=slice(0, None, 6))
    one, many = (ss.xps.fit(data, two, energy_shift=0.0, engine=engine) for engine in ("single", "numpy"))
    absent = np.flatnonzero(one.value.sel(parameter="Zr2+ area").values == 0)
    assert absent.size
    for fitted in (one, many):
        assert np.all(fitted.value.sel(parameter="Zr2+ center").values[absent] == 180.6)
    np.testing.assert_allclose(many.area_unc[absent], one.area_unc[absent], rtol=1e-3)
    assert np.array_equal(many.dof[absent], one.dof[absent])
