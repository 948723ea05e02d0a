"""Global fits written as recipes, against shared fits of one model, single fits and simulated truths."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import surfspec as ss
from surfspec import recipes, schema
from surfspec.errors import FormatError, InputError, RecipeError
from surfspec.fitting.model import BoundModel
from surfspec.xps import ChargeReference, GlobalFit, GlobalRecipe, Link, Range
from surfspec.xps.linked.recipe import read_global_recipe
from surfspec.xps.model import build

Array = np.ndarray

ZR, NA = "Zr 3d / Zr4+", "Na 1s / Na+"
WIDTH, NA_WIDTH = f"{ZR} fwhm_gauss", f"{NA} fwhm_gauss"
ZR_AXIS, NA_AXIS = np.arange(176.5, 191.0, 0.15), np.arange(1065.5, 1078.0, 0.15)
REGIONS = {"Zr 3d": "Zr 3d", "Na 1s": "Na 1s"}


@cache
def flat(region: str) -> ss.xps.Recipe:
    """The shipped recipe over a constant background: the truth of the simulations here."""
    return replace(ss.xps.load_recipe(region), background=ss.xps.Background(kind="constant"))


def simulated(
    region: str,
    rng: np.random.Generator,
    *,
    shift: float = 0.0,
    level: float = 300.0,
    time: float = 1.0,
    **values: float,
) -> xr.Dataset:
    """Simulated counts of a shipped recipe's peaks over a constant level; `time` in s multiplies them."""
    axis = (ZR_AXIS if region == "Zr 3d" else NA_AXIS) + shift
    model = build(flat(region), shift=shift).model
    names = {"area": 3000.0, "fwhm_gauss": 1.3, "fwhm_lorentz": 0.25} | values
    numbers = [names.get(p.name.split()[-1], p.value) for p in model.parameters]
    numbers = [
        values["center"] + shift if p.name.endswith("center") and "center" in values else n
        for p, n in zip(model.parameters, numbers, strict=True)
    ]
    mean = BoundModel(model, axis, np.full(axis.size, level)).evaluate(np.array(numbers))
    attrs = {"dwell_time": time, "scans": 1} if time != 1.0 else {}
    return ss.spectrum(axis, rng.poisson(mean * time) * 1.0, technique="XPS", region=region, simulated="true", **attrs)


def study(
    seed: int = 0, shifts: dict[str, float] | None = None, na_factor: float = 1.1, **values: float
) -> dict[str, dict[str, xr.Dataset]]:
    rng = np.random.default_rng(seed)
    out = {}
    for i, (name, shift) in enumerate((shifts or {"a": 0.0, "b": 0.0, "c": 0.0}).items()):
        zr = simulated("Zr 3d", rng, shift=shift, area=3000.0 + 800.0 * i, **values)
        na = simulated("Na 1s", rng, shift=shift, area=2500.0 - 500.0 * i, fwhm_gauss=1.3 * na_factor)
        out[name] = {"Zr 3d": zr, "Na 1s": na}
    return out


def recipe(*links: Link, charge: ChargeReference | None = None) -> GlobalRecipe:
    return GlobalRecipe("test", {name: flat(name) for name in REGIONS}, links, charge)


def fitted(*links: Link) -> GlobalRecipe:
    """The same over a level that is fitted with the peaks."""
    level = ss.xps.Background(kind="polynomial", options={"degree": 0})
    return GlobalRecipe("test", {name: replace(flat(name), background=level) for name in REGIONS}, links)


BOTH = (Link(WIDTH, over="samples"), Link(NA_WIDTH, follows=WIDTH, factor=1.1))
REFERENCE = ChargeReference(f"{ZR} center", 182.4)


# one model: the same answer as xps.fit(shared=...)


def test_equals_parameters_shared_by_a_series() -> None:
    rng = np.random.default_rng(1)
    rows = [simulated("Zr 3d", rng, area=area) for area in (900.0, 2500.0, 5000.0, 1700.0)]
    series = ss.stack(rows, dim="spot")
    names = ["Zr4+ center", "Zr4+ fwhm_gauss", "Zr4+ splitting"]
    both = replace(ss.xps.load_recipe("Zr 3d"), background=ss.xps.Background(kind="shirley"))
    joint = ss.xps.fit(series, both, energy_shift=0.0, shared=names)
    linked = GlobalRecipe("one", {"Zr 3d": both}, tuple(Link(f"Zr 3d / {name}", over="samples") for name in names))
    found = ss.xps.fit_global({"Zr 3d": series}, linked, energy_shift=0.0)
    assert len(found.fits) == 4
    for i, regions in enumerate(found.fits.values()):
        one, other = regions["Zr 3d"], joint.isel(spot=i)
        assert float(np.max(np.abs(one.value - other.value) / other.value_unc)) < 1e-4
        np.testing.assert_allclose(one.value_unc, other.value_unc, rtol=1e-4)
        np.testing.assert_allclose(one.area_unc, other.area_unc, rtol=1e-4)
        np.testing.assert_allclose(one.background, other.background, rtol=1e-6)
        assert one.verdict.item() == other.verdict.item()
    assert found.common.common.values.tolist() == [f"Zr 3d / {name}" for name in names]


def test_what_nothing_links_is_fitted_as_alone() -> None:
    data = study(2)
    found = ss.xps.fit_global(data, recipe(Link(WIDTH, over="samples")), energy_shift=0.0)
    for name, regions in data.items():
        alone = ss.xps.fit(regions["Na 1s"], flat("Na 1s"), energy_shift=0.0)
        xr.testing.assert_equal(found.fits[name]["Na 1s"].drop_attrs(), alone.drop_attrs())
        assert "shared" not in found.fits[name]["Na 1s"].attrs
        assert found.fits[name]["Zr 3d"].attrs["shared"] == "Zr4+ fwhm_gauss"


# truths


def test_links_hold_exactly_and_sharpen() -> None:
    data = study(3)
    found = ss.xps.fit_global(data, recipe(*BOTH), energy_shift=0.0)
    width = float(found.common.value.sel(common=WIDTH))
    unc = float(found.common.value_unc.sel(common=WIDTH))
    assert abs(width - 1.3) < 4 * unc
    for name, regions in found.fits.items():
        assert regions["Zr 3d"].value.sel(parameter="Zr4+ fwhm_gauss").item() == pytest.approx(width, abs=1e-12)
        assert regions["Na 1s"].value.sel(parameter="Na+ fwhm_gauss").item() == pytest.approx(1.1 * width, abs=1e-12)
        for region, one in regions.items():
            alone = ss.xps.fit(data[name][region], flat(region), energy_shift=0.0)
            mine = "Zr4+ fwhm_gauss" if region == "Zr 3d" else "Na+ fwhm_gauss"
            assert float(one.value_unc.sel(parameter=mine)) < 0.75 * float(alone.value_unc.sel(parameter=mine))
            assert one.verdict.item() == "ok"
            schema.check(one, "fit")
    assert float(found.common.group_probability[0]) > 1e-4
    # between spectra: what follows one number is fully correlated
    cov = found.common.linked_covariance
    zr, na = f"a / {WIDTH}", f"c / {NA_WIDTH}"
    assert float(cov.sel(linked=zr, linked_b=na)) == pytest.approx(1.1 * unc**2, rel=1e-9)


def replicate(seed: int) -> GlobalFit:
    shifts = {"a": 1.3, "b": -0.7}
    links = (*BOTH, Link(f"{NA} center", over="samples"))
    near = {"a": 1.2, "b": -0.6}  # as a coarse search would leave them
    return ss.xps.fit_global(study(seed, shifts), recipe(*links, charge=REFERENCE), energy_shift=near)


@pytest.mark.slow
def test_pulls_of_linked_parameters() -> None:
    truth = {"a / charge shift": 1.3, "b / charge shift": -0.7, WIDTH: 1.3, f"{NA} center": 1071.4}
    pulls, scaled, energies = [], [], []
    for seed in range(110):
        table = replicate(100 + seed).common
        assert set(table.common.values.tolist()) == set(truth)
        pulls.append([float((table.value - t).sel(common=n) / table.value_unc.sel(common=n)) for n, t in truth.items()])
        scaled.append(float(table.group_probability[0]))
        one = table.sel(center="a / Na 1s / Na+ center")
        energies.append(float((one.binding_energy - 1071.4) / one.binding_energy_unc))
    width = np.std(pulls, axis=0)
    assert np.all((width > 0.8) & (width < 1.2)), width
    assert np.all(np.abs(np.mean(pulls, axis=0)) < 0.35)
    assert 0.8 < np.std(energies) < 1.2
    # true links: their probabilities are spread evenly
    assert np.min(scaled) > 1e-4
    assert 0.35 < np.mean(scaled) < 0.65


def test_a_common_charge_shift() -> None:
    shifts = {"a": 2.3, "b": -1.1, "c": 0.4}
    links = (Link(f"{NA} center", over="samples"),)
    data = study(4, shifts)
    found = ss.xps.fit_global(data, recipe(*links, charge=REFERENCE))
    for name, truth in shifts.items():
        row = found.common.sel(common=f"{name} / charge shift")
        assert abs(float(row.value) - truth) < 4 * float(row.value_unc)
        zr = found.common.sel(center=f"{name} / {ZR} center")
        assert (float(zr.binding_energy), float(zr.binding_energy_unc)) == (pytest.approx(182.4, abs=1e-9), 0.0)
        na = found.common.sel(center=f"{name} / {NA} center")
        assert abs(float(na.binding_energy) - 1071.4) < 4 * float(na.binding_energy_unc)
        measured = float(found.fits[name]["Na 1s"].center[0])
        assert measured == pytest.approx(float(na.binding_energy) + float(row.value), abs=1e-9)
    # without the link sodium is free: its binding energy is its place less that of zirconium, in closed form
    free = ss.xps.fit_global(data, recipe(charge=REFERENCE))
    for name, shift in shifts.items():
        zr, na = (ss.xps.fit(data[name][r], flat(r), energy_shift=shift) for r in ("Zr 3d", "Na 1s"))
        row = free.common.sel(center=f"{name} / {NA} center")
        expected = float(na.center[0]) - float(zr.center[0]) + 182.4
        assert float(row.binding_energy) == pytest.approx(expected, abs=1e-4)
        total = np.hypot(float(na.center_unc[0]), float(zr.center_unc[0]))
        assert float(row.binding_energy_unc) == pytest.approx(total, rel=1e-3)


def test_a_fixed_energy_shares_the_shift() -> None:
    """With sodium fixed in its recipe both regions fix the shift: its variance is that of the weighted mean."""
    data = study(5, {"a": 1.5})
    fixed = replace(flat("Na 1s").peaks[0], center=1071.4)
    whole = GlobalRecipe(
        "two", {"Zr 3d": flat("Zr 3d"), "Na 1s": replace(flat("Na 1s"), peaks=(fixed,))}, (), REFERENCE
    )
    found = ss.xps.fit_global(data, whole)
    zr, na = (ss.xps.fit(data["a"][r], flat(r), energy_shift=1.5) for r in ("Zr 3d", "Na 1s"))
    precision = sum(1.0 / float(one.center_unc[0]) ** 2 for one in (zr, na))
    assert float(found.common.value_unc[0]) == pytest.approx(precision**-0.5, rel=5e-3)
    moved = (float(zr.center[0]) - 182.4, float(na.center[0]) - 1071.4)
    mean = sum(m / float(one.center_unc[0]) ** 2 for m, one in zip(moved, (zr, na), strict=True)) / precision
    assert float(found.common.value[0]) == pytest.approx(mean, abs=0.05 * precision**-0.5)
    last = found.common.isel(link=-1)
    assert int(last.constraints) == 1
    expected = (moved[0] - moved[1]) ** 2 / (float(zr.center_unc[0]) ** 2 + float(na.center_unc[0]) ** 2)
    assert float(last.chi_square) == pytest.approx(expected, rel=0.02)


def test_a_chemical_shift_that_is_to_be_found() -> None:
    """The distance of two lines is the same in all samples, and unknown: the mean of those of the samples."""
    data = study(6, {"a": 0.2, "b": -0.1, "c": 0.0})
    distance = Link(f"{NA} center", follows=f"{ZR} center", offset=Range(888.0, 885.0, 895.0))
    found = ss.xps.fit_global(data, recipe(distance))
    row = found.common.sel(common=f"offset of {NA} center")
    assert abs(float(row.value) - (1071.4 - 182.4)) < 4 * float(row.value_unc)
    apart, weights = [], []
    for name, shift in {"a": 0.2, "b": -0.1, "c": 0.0}.items():
        zr, na = (ss.xps.fit(data[name][r], flat(r), energy_shift=shift) for r in ("Zr 3d", "Na 1s"))
        apart.append(float(na.center[0] - zr.center[0]))
        weights.append(1.0 / (float(na.center_unc[0]) ** 2 + float(zr.center_unc[0]) ** 2))
    assert float(row.value) == pytest.approx(np.average(apart, weights=weights), abs=0.1 * sum(weights) ** -0.5)
    assert float(row.value_unc) == pytest.approx(sum(weights) ** -0.5, rel=0.02)


def test_a_ratio_of_areas_is_one_of_rates() -> None:
    """Sodium counted 4 s, zirconium 2 s: the factor is that of counts per second (simulated)."""
    rng = np.random.default_rng(8)
    data = {
        name: {
            "Zr 3d": simulated("Zr 3d", rng, time=2.0, area=zr),
            "Na 1s": simulated("Na 1s", rng, time=4.0, area=0.5 * zr),
        }
        for name, zr in (("a", 2000.0), ("b", 3500.0))
    }
    fixed = Link(f"{NA} area", follows=f"{ZR} area", factor=0.5)
    found = ss.xps.fit_global(data, recipe(fixed), energy_shift=0.0)
    for name, truth in (("a", 2000.0), ("b", 3500.0)):
        row = found.common.sel(common=f"{name} / {ZR} area")
        assert abs(float(row.value) - truth) < 4 * float(row.value_unc)
        zr, na = (found.fits[name][region] for region in ("Zr 3d", "Na 1s"))
        area = float(zr.value.sel(parameter="Zr4+ area"))
        assert area == pytest.approx(2.0 * float(row.value), rel=1e-12)
        assert float(na.value.sel(parameter="Na+ area")) == pytest.approx(4.0 * 0.5 * float(row.value), rel=1e-12)
    free = replace(fixed, factor=Range(0.8, 0.1, 3.0))
    measured = ss.xps.fit_global(data, recipe(free), energy_shift=0.0).common.sel(common=f"factor of {NA} area")
    assert abs(float(measured.value) - 0.5) < 4 * float(measured.value_unc)
    singles, weights = [], []
    for name in data:
        zr, na = (ss.xps.fit(data[name][r], flat(r), energy_shift=0.0) for r in ("Zr 3d", "Na 1s"))
        a, b = zr.sel(parameter="Zr4+ area"), na.sel(parameter="Na+ area")
        ratio = float(b.value) / 4.0 / (float(a.value) / 2.0)
        unc = ratio * np.hypot(float(a.value_unc / a.value), float(b.value_unc / b.value))
        singles.append(ratio)
        weights.append(unc**-2)
    assert float(measured.value) == pytest.approx(np.average(singles, weights=weights), abs=0.2 * sum(weights) ** -0.5)
    assert float(measured.value_unc) == pytest.approx(sum(weights) ** -0.5, rel=0.03)


def test_one_sample_follows_another() -> None:
    rng = np.random.default_rng(9)
    data = {name: {"Zr 3d": simulated("Zr 3d", rng, fwhm_gauss=w)} for name, w in (("thin", 1.2), ("thick", 1.5))}
    link = Link(WIDTH, of_sample="thin", samples=("thick",), offset=0.3)
    found = ss.xps.fit_global(data, recipe(link), energy_shift=0.0)
    thin, thick = (float(found.fits[n]["Zr 3d"].value.sel(parameter="Zr4+ fwhm_gauss")) for n in data)
    assert thick == pytest.approx(thin + 0.3, abs=1e-12)
    assert found.common.common.values.tolist() == [f"thin / {WIDTH}"]
    assert float(found.common.group_probability[0]) > 1e-3


def test_what_is_known_of_a_factor_is_one_more_measurement() -> None:
    """A factor with a prior of 5 %: the mean of it and of the factor that the data give, in closed form."""
    data = study(23)  # backgrounds that are fitted have no noise but that of the points
    link = Link(NA_WIDTH, follows=WIDTH, factor=Range(1.1, 0.5, 2.0))
    name = f"factor of {NA_WIDTH}"
    free = ss.xps.fit_global(data, fitted(BOTH[0], link), energy_shift=0.0).common.sel(common=name)
    held = replace(link, factor=Range(1.1, 0.5, 2.0, prior=0.02))
    known = ss.xps.fit_global(data, fitted(BOTH[0], held), energy_shift=0.0).common.sel(common=name)
    precision = float(free.value_unc) ** -2 + 0.02**-2
    assert float(known.value_unc) == pytest.approx(precision**-0.5, rel=0.02)
    mean = (float(free.value) * float(free.value_unc) ** -2 + 1.1 * 0.02**-2) / precision
    assert float(known.value) == pytest.approx(mean, abs=0.1 * precision**-0.5)


def test_what_is_known_of_a_binding_energy_sharpens_the_shift() -> None:
    data = study(24, {"a": 0.8})
    loose = flat("Na 1s").peaks[0]
    peak = replace(loose, center=Range(1071.4, 1069.5, 1073.5, prior=0.003))
    whole = GlobalRecipe("x", {"Zr 3d": flat("Zr 3d"), "Na 1s": replace(flat("Na 1s"), peaks=(peak,))}, (), REFERENCE)
    found = ss.xps.fit_global(data, whole).common
    zr, na = (ss.xps.fit(data["a"][r], flat(r), energy_shift=0.8) for r in ("Zr 3d", "Na 1s"))
    other = np.hypot(float(na.center_unc[0]), 0.003)
    expected = (float(zr.center_unc[0]) ** -2 + other**-2) ** -0.5
    assert float(found.value_unc.sel(common="a / charge shift")) == pytest.approx(expected, rel=0.01)
    with pytest.raises(RecipeError, match="Give the prior to the offset"):
        replace(whole, links=(Link(f"{NA} center", follows=f"{ZR} center", offset=889.0),))


def known_sodium(sigma: float) -> GlobalRecipe:
    peak = replace(flat("Na 1s").peaks[0], center=Range(1071.4, 1069.5, 1073.5, prior=sigma))
    regions = {"Zr 3d": flat("Zr 3d"), "Na 1s": replace(flat("Na 1s"), peaks=(peak,))}
    return GlobalRecipe("x", regions, (), REFERENCE)


def test_a_binding_energy_with_a_prior_beside_a_shift_is_calibrated() -> None:
    """Energies drawn from the prior on scales that are shifted anew: pulls of energy and shift of unit width."""
    whole, pulls = known_sodium(0.01), []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        shift, energy = rng.uniform(-2.0, 2.0), rng.normal(1071.4, 0.01)
        zr = simulated("Zr 3d", rng, shift=shift, center=182.4)
        na = simulated("Na 1s", rng, shift=shift, area=500.0, center=energy)
        found = ss.xps.fit_global({"a": {"Zr 3d": zr, "Na 1s": na}}, whole).common
        row = next(i for i, name in enumerate(found.center.values) if "Na" in str(name))
        moved = found.sel(common="a / charge shift")
        pulls.append(
            (
                (float(found.binding_energy[row]) - energy) / float(found.binding_energy_unc[row]),
                (float(moved.value) - shift) / float(moved.value_unc),
            )
        )
    assert np.all((np.std(pulls, axis=0) > 0.75) & (np.std(pulls, axis=0) < 1.3)), np.std(pulls, axis=0)
    assert np.all(np.abs(np.mean(pulls, axis=0)) < 0.5), np.mean(pulls, axis=0)


def test_a_prior_of_a_position_is_refused_where_the_shift_is_searched() -> None:
    """The search would put the line where the prior says."""
    data, free = study(24, {"a": 0.8}), replace(known_sodium(0.003), charge=None)
    with pytest.raises(InputError, match=r"a / Na 1s: the centre of 'Na\+' has a prior"):
        ss.xps.fit_global(data, free, shift_search=3.0)
    own = {name: replace(one, shift_search=3.0) for name, one in free.region_recipes.items()}
    with pytest.raises(InputError, match=r"a / Na 1s: the centre of 'Na\+' has a prior"):
        ss.xps.fit_global(data, replace(free, regions=own))
    assert ss.xps.fit_global(data, free, energy_shift=0.8).fits["a"]["Na 1s"].verdict.item() == "ok"


def test_backgrounds_that_are_fitted_take_part() -> None:
    """With a constant level fitted in place of one taken from the ends: the same width within its uncertainty."""
    data = study(25)
    one = ss.xps.fit_global(data, fitted(*BOTH), energy_shift=0.0)
    two = ss.xps.fit_global(data, recipe(*BOTH), energy_shift=0.0)
    a, b = (t.common.sel(common=WIDTH) for t in (one, two))
    assert abs(float(a.value - b.value)) < 2.0 * float(b.value_unc)
    assert 0.3 < float(a.value_unc / b.value_unc) < 1.2
    assert all(fit.verdict.item() == "ok" for regions in one.fits.values() for fit in regions.values())


@pytest.mark.data
def test_measured_regions_of_one_sample(data_dir: Path) -> None:
    """An ionic liquid on gold: fluorine fixes the shift, and sulphur and nitrogen lie where single fits put them."""
    folder = data_dir / "xps" / "theoechem_Na"
    if not folder.is_dir():
        pytest.skip(f"measured files not found at {folder}")
    lines = {
        "F 1s": ss.xps.Peak("CF3", "F 1s", Range(688.0, 686.5, 690.5)),
        "N 1s": ss.xps.Peak("cation", "N 1s", Range(401.9, 400.5, 403.5)),
    }
    more = ss.xps.Peak("anion", "N 1s", Range(398.8, 397.0, 400.4), widths={"fwhm_gauss": Range(follows="cation")})
    peaks = {"F 1s": (lines["F 1s"],), "N 1s": (lines["N 1s"], more)}
    windows = {"F 1s": (684.0, 693.0), "N 1s": (395.5, 406.0)}
    level = ss.xps.Background(kind="shirley")
    regions = {n: ss.xps.Recipe(n, n, windows[n], peaks=peaks[n], background=level) for n in lines}
    spectra = {n: ss.read(folder / f"20240220_Au_MPPipTFSI4AMSIol3_{n.replace(' ', '_')}.csv") for n in lines}
    charge = ChargeReference("F 1s / CF3 center", 688.8)
    found = ss.xps.fit_global({"liquid": spectra}, GlobalRecipe("x", regions, (), charge), energy_shift=0.0)
    alone = {n: ss.xps.fit(spectra[n], regions[n], energy_shift=0.0) for n in lines}
    home = float(alone["F 1s"].center[0])
    for name in ("cation", "anion"):
        single = alone["N 1s"].sel(component=name)
        row = found.common.sel(center=f"liquid / N 1s / {name} center")
        assert float(row.binding_energy) == pytest.approx(float(single.center) - home + 688.8, abs=2e-3)
        total = np.hypot(float(single.center_unc), float(alone["F 1s"].center_unc[0]))
        assert float(row.binding_energy_unc) == pytest.approx(total, rel=0.02)
    width = "fwhm_gauss"
    tied = Link(f"N 1s / cation {width}", follows=f"F 1s / CF3 {width}")
    linked = ss.xps.fit_global({"liquid": spectra}, GlobalRecipe("x", regions, (tied,), charge), energy_shift=0.0)
    common = float(linked.common.value.sel(common=f"liquid / F 1s / CF3 {width}"))
    ends = [float(alone[n].value.sel(parameter=f"{p} {width}")) for n, p in (("F 1s", "CF3"), ("N 1s", "cation"))]
    assert min(ends) - 0.02 < common < max(ends) + 0.02
    apart = abs(ends[0] - ends[1]) / np.hypot(
        *(float(alone[n].value_unc.sel(parameter=f"{p} {width}")) for n, p in (("F 1s", "CF3"), ("N 1s", "cation")))
    )
    assert float(linked.common.chi_square[0]) == pytest.approx(apart**2, rel=0.1, abs=0.5)


# links that are wrong


def test_a_wrong_link_is_named() -> None:
    found = ss.xps.fit_global(study(10, na_factor=1.45), recipe(*BOTH), energy_shift=0.0)
    for regions in found.fits.values():
        for one in regions.values():
            assert one.verdict.item() == "check"
            assert "sharing improbable" in one.reasons.item()
            assert f"worst link: {NA_WIDTH} = 1.1 x {WIDTH}" in one.reasons.item()
    table = found.common.set_index(link="link")
    assert float(table.probability.sel(link=BOTH[0].told())) > 1e-4
    assert float(table.probability.sel(link=BOTH[1].told())) < 1e-8


def test_the_sample_that_differs_is_named() -> None:
    data = study(11)
    rng = np.random.default_rng(12)
    data["b"]["Zr 3d"] = simulated("Zr 3d", rng, fwhm_gauss=1.7, area=4000.0)
    found = ss.xps.fit_global(data, recipe(BOTH[0]), energy_shift=0.0)
    assert found.common.worst.values.tolist() == ["b / Zr 3d"]
    assert all("in b / Zr 3d" in regions["Zr 3d"].reasons.item() for regions in found.fits.values())
    # nothing links sodium: its verdicts stay
    assert all(regions["Na 1s"].verdict.item() == "ok" for regions in found.fits.values())
    rise = found.common.deviance - found.common.deviance_alone
    assert str(rise.spectrum[int(np.nanargmax(rise.values))].item()) == "b / Zr 3d"


def test_groups_are_judged_apart() -> None:
    """Widths linked inside each sample only: the sample with another ratio is flagged, the others are not."""
    data = study(13)
    rng = np.random.default_rng(14)
    data["c"]["Na 1s"] = simulated("Na 1s", rng, fwhm_gauss=2.2, area=4000.0)
    found = ss.xps.fit_global(data, recipe(BOTH[1]), energy_shift=0.0)
    verdicts = {name: {one.verdict.item() for one in regions.values()} for name, regions in found.fits.items()}
    assert verdicts == {"a": {"ok"}, "b": {"ok"}, "c": {"check"}}
    assert f"worst link: {BOTH[1].told()}" in found.fits["c"]["Na 1s"].reasons.item()
    assert np.unique(found.common.group.values).size == 3


# what must not matter


def test_the_order_of_samples_and_regions_does_not_matter() -> None:
    data = study(15, {"a": 1.0, "b": -1.0, "c": 0.3})
    whole = recipe(*BOTH, Link(f"{NA} center", over="samples"), charge=REFERENCE)
    one = ss.xps.fit_global(data, whole)
    turned = {name: dict(reversed(data[name].items())) for name in reversed(data)}
    two = ss.xps.fit_global(turned, whole)
    xr.testing.assert_identical(one.common, two.common)
    for name, regions in one.fits.items():
        for region, fit in regions.items():
            xr.testing.assert_identical(fit, two.fits[name][region])


def test_inputs_stay_as_they_are() -> None:
    data = study(16, {"a": 1.0, "b": -1.0})
    before = {name: {region: one.copy(deep=True) for region, one in regions.items()} for name, regions in data.items()}
    whole = recipe(*BOTH, charge=REFERENCE)
    text = recipes.to_yaml(whole)
    ss.xps.fit_global(data, whole)
    assert recipes.to_yaml(whole) == text
    for name, regions in data.items():
        for region, one in regions.items():
            xr.testing.assert_identical(one, before[name][region])


def test_results_survive_netcdf(tmp_path: Path) -> None:
    found = ss.xps.fit_global(study(17, {"a": 1.0, "b": -1.0}), recipe(*BOTH, charge=REFERENCE))
    every = {"common": found.common} | {f"{n}{r}": one for n, rs in found.fits.items() for r, one in rs.items()}
    for name, one in every.items():
        file = tmp_path / f"{name.replace(' ', '')}.nc"
        one.to_netcdf(file)
        with xr.open_dataset(file) as back:
            xr.testing.assert_equal(one, back.load())
            schema.check(back, one.attrs["kind"])
            assert back.attrs["simulated"] == "true"
    zr = found.fits["a"]["Zr 3d"]
    assert read_global_recipe(zr.attrs["global_recipe"]) == recipe(*BOTH, charge=REFERENCE)
    with pytest.raises(InputError, match="shares parameters"):
        ss.xps.bootstrap(study(17, {"a": 1.0, "b": -1.0})["a"]["Zr 3d"], zr)


def test_a_sample_may_lack_a_region_and_a_spectrum_may_be_bad() -> None:
    data = study(18)
    del data["b"]["Zr 3d"]
    data["c"]["Na 1s"] = data["c"]["Na 1s"].isel(binding_energy=slice(5, None, 25))  # fewer points than parameters
    found = ss.xps.fit_global(data, recipe(*BOTH), energy_shift=0.0)
    assert set(found.fits["b"]) == {"Na 1s"}
    width = float(found.common.value.sel(common=WIDTH))
    assert float(found.fits["b"]["Na 1s"].value.sel(parameter="Na+ fwhm_gauss")) == pytest.approx(1.1 * width)
    assert found.fits["c"]["Na 1s"].verdict.item() == "failed"
    assert "refused" in found.fits["c"]["Na 1s"].reasons.item()
    assert found.fits["c"]["Zr 3d"].verdict.item() == "ok"


def test_spectra_of_different_statistics() -> None:
    """Zirconium as counts, sodium as a rate with given uncertainties: the same answer as from counts of both."""
    data = study(19)
    counts = ss.xps.fit_global(data, recipe(*BOTH), energy_shift=0.0)
    mixed = {}
    for name, regions in data.items():
        na = regions["Na 1s"]
        y = na.intensity.values / 10.0
        unc = np.sqrt(np.maximum(counts.fits[name]["Na 1s"].model.values.mean(), na.intensity.values)) / 10.0
        rate = ss.spectrum(
            na.binding_energy.values, y, technique="XPS", region="Na 1s", intensity_unc=unc, units="counts/s"
        )
        mixed[name] = {"Zr 3d": regions["Zr 3d"], "Na 1s": rate}
    found = ss.xps.fit_global(mixed, recipe(*BOTH), energy_shift=0.0)
    one, two = (t.sel(common=WIDTH) for t in (counts.common, found.common))
    assert abs(float(one.value - two.value)) < 1.0 * float(one.value_unc)
    assert float(two.value_unc) == pytest.approx(float(one.value_unc), rel=0.2)
    with pytest.raises(InputError, match="intensities are in counts and in counts/s"):
        ss.xps.fit_global(mixed, recipe(Link(f"{NA} area", follows=f"{ZR} area")), energy_shift=0.0)


# the recipe


YAML = """\
recipe: one analyser
regions:
  Zr 3d: Zr 3d
  Na 1s: Na 1s
charge: {reference: Zr 3d / Zr4+ center, energy: 182.4}
links:
  - {parameter: Zr 3d / Zr4+ fwhm_gauss, over: samples}
  - {parameter: Na 1s / Na+ fwhm_gauss, follows: Zr 3d / Zr4+ fwhm_gauss, factor: 1.1}
  - {parameter: Na 1s / Na+ area, follows: Zr 3d / Zr4+ area, samples: [a, b],
     factor: {value: 1.0, low: 0.1, high: 5.0}}
"""


def test_yaml_and_python_say_the_same() -> None:
    made = GlobalRecipe(
        "one analyser",
        REGIONS,
        (
            *BOTH,
            Link(f"{NA} area", follows=f"{ZR} area", factor=Range(1.0, 0.1, 5.0), samples=("a", "b")),
        ),
        ChargeReference(f"{ZR} center", 182.4),
    )
    assert read_global_recipe(YAML) == made
    for one in (made, recipe(*BOTH)):
        assert read_global_recipe(recipes.to_yaml(one)) == one
        assert recipes.from_mapping(recipes.to_mapping(one), GlobalRecipe) == one


def test_files_name_region_recipes_beside_them(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(recipes.to_yaml(flat("Zr 3d")), encoding="utf-8")
    whole = tmp_path / "all.yaml"
    text = "recipe: x\nregions: {Zr 3d: mine.yaml}\nlinks: [{parameter: Zr 3d / Zr4+ fwhm_gauss, over: samples}]\n"
    whole.write_text(text, encoding="utf-8")
    assert ss.xps.load_global_recipe(whole).region_recipes["Zr 3d"] == flat("Zr 3d")
    data = {name: {"Zr 3d": regions["Zr 3d"]} for name, regions in study(20).items()}
    found = ss.xps.fit_global(data, whole, energy_shift=0.0)
    assert found.common.common.values.tolist() == [WIDTH]
    with pytest.raises(FormatError, match="no such file"):
        ss.xps.load_global_recipe(tmp_path / "none.yaml")


def test_every_fault_is_told_at_once_with_its_place() -> None:
    text = """\
recipe: x
regions: {Zr 3d: Zr 3d, Na 1s: Na 1s}
links:
  - {parameter: Zr 3d / Zr4+ fwhm_gaus, over: samples}
  - {parameter: Na 1s / Na+ fwhm_gauss, follows: Zr 3d / Zr4+ fwhm_gauss}
  - {parameter: Zr 3d / Zr4+ fwhm_gauss, follows: Na 1s / Na+ fwhm_gauss}
  - {parameter: Na 1s / Na+ area, follows: P 2p / P area}
  - {parameter: Na 1s / Na+ center, follows: Zr 3d / Zr4+ splitting}
"""
    with pytest.raises(RecipeError) as caught:
        read_global_recipe(text, source="x.yaml")
    problems = caught.value.problems
    assert len(problems) == 4, problems
    assert any(p.startswith("x.yaml:4:17: links[0].parameter") and "'Zr4+ fwhm_gauss'" in p for p in problems)
    assert any(p.startswith("x.yaml:6:5: links[2]: ") and "circle" in p for p in problems)
    assert any(p.startswith("x.yaml:7:44: links[3].follows") and "no region 'P 2p'" in p for p in problems)
    assert any(p.startswith("x.yaml:8:46: links[4].follows") and "cannot follow" in p for p in problems)


@pytest.mark.parametrize(
    ("links", "match"),
    [
        ("[{parameter: Zr 3d, over: samples}]", "names no parameter"),
        ("[{parameter: Zr 3d / Zr4+ fwhm_gauss}]", "ties nothing"),
        ("[{parameter: Zr 3d / Zr4+ fwhm_gauss, over: spots}]", "unknown value 'spots'"),
        ("[{parameter: Zr 3d / Zr4+ fwhm_gauss, over: samples, factor: 2}]", "no factor or offset"),
        ("[{parameter: Zr 3d / Zr4+ fwhm_gauss, over: samples, of_sample: a}]", "either over or follows"),
        ("[{parameter: Zr 3d / Zr4+ fwhm_gauss, follows: Zr 3d / Zr4+ fwhm_gauss}]", "follows itself"),
        ("[{parameter: Na 1s / Na+ fwhm_gauss, follows: Zr 3d / Zr4+ fwhm_gauss, factor: 0}]", "factor of 0"),
        ("[{parameter: Zr 3d / Zr4+ fwhm_gauss, of_sample: a, samples: [a]}]", "follows itself"),
        ("[{parameter: Zr 3d / Zr4+ fwhm_gauss, over: samples, samples: [a, a]}]", "each sample once"),
        ("[{parameter: Zr 3d / Zr4+ fwhm_gauss, follows: Na 1s / Na+ area}]", "one kind"),
        (
            f"[{{parameter: {WIDTH}, follows: {NA_WIDTH}}}, {{parameter: {WIDTH}, follows: {ZR} fwhm_lorentz}}]",
            "tied already by links\\[0\\]",
        ),
        ("[{parameter: Zr 3d / Zr4+ fwhm_gauss, follows: Na 1s / Na+ fwhm_gauss, factor: 10}]", "do not overlap"),
        ("[{parametre: Zr 3d / Zr4+ fwhm_gauss, over: samples}]", "Did you mean 'parameter'"),
    ],
)
def test_what_a_recipe_must_not_say(links: str, match: str) -> None:
    with pytest.raises(RecipeError, match=match):
        read_global_recipe(f"{{recipe: x, regions: {{Zr 3d: Zr 3d, Na 1s: Na 1s}}, links: {links}}}")


def test_links_need_something_free() -> None:
    peak = replace(flat("Na 1s").peaks[0], widths={"fwhm_gauss": 1.4, "fwhm_lorentz": 0.3})
    regions = {"Zr 3d": flat("Zr 3d"), "Na 1s": replace(flat("Na 1s"), peaks=(peak,))}
    with pytest.raises(RecipeError, match="free value on one side"):
        GlobalRecipe("x", regions, (Link(WIDTH, follows=NA_WIDTH),))
    with pytest.raises(RecipeError, match="nothing to link"):
        GlobalRecipe("x", regions, (Link(NA_WIDTH, follows=WIDTH),))
    with pytest.raises(RecipeError, match="charge reference"):
        recipe(Link(f"{ZR} center", over="samples"), charge=REFERENCE)
    with pytest.raises(InputError, match="no centre"):
        ChargeReference(WIDTH, 182.4)
    with pytest.raises(InputError, match="no regions"):
        GlobalRecipe("x", {})
    with pytest.raises(RecipeError, match="no name of a region"):
        GlobalRecipe("x", {"Zr 3d": "Zr 9d"})


@pytest.mark.parametrize("wrong", ["1.1", None, True, float("nan"), float("inf"), Range(follows="Zr4+")])
def test_factors_that_are_no_numbers(wrong: object) -> None:
    for name in ("factor", "offset"):
        with pytest.raises(InputError, match=name):
            Link(NA_WIDTH, follows=WIDTH, **{name: wrong})  # type: ignore[arg-type]


def test_spectra_that_do_not_belong() -> None:
    data = study(21)
    whole = recipe(*BOTH)
    for given, match in (
        ({}, "there are no spectra"),
        ([1], "is a list"),
        ({"a": 5}, "mixed"),
        ({"a": {"P 2p": data["a"]["Na 1s"]}}, "no region 'P 2p'"),
        ({"a": data["a"], "b": data["a"]["Zr 3d"]}, "mixed"),
        ({"a / b": data["a"]}, "without '/'"),
        ({"a": {"Zr 3d": ss.stack([data["a"]["Zr 3d"]] * 2, dim="spot")}}, "is a series"),
    ):
        with pytest.raises(InputError, match=match):
            ss.xps.fit_global(given, whole)
    with pytest.raises(InputError, match="no sample 'z'"):
        ss.xps.fit_global(data, recipe(Link(WIDTH, over="samples", samples=("a", "z"))), energy_shift=0.0)
    with pytest.raises(InputError, match="no sample 'z'"):
        ss.xps.fit_global(data, whole, energy_shift={"z": 0.0})
    with pytest.raises(InputError, match="searched at once"):
        ss.xps.fit_global(data, whole, energy_shift=0.0, shift_search=2.0)
    with pytest.raises(InputError, match="energy_shift is 'x'"):
        ss.xps.fit_global(data, whole, energy_shift="x")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="fixes the charge shift"):
        ss.xps.fit_global({"a": data["a"], "b": {"Na 1s": data["b"]["Na 1s"]}}, recipe(charge=REFERENCE))
    with pytest.raises(InputError, match="no global recipe"):
        ss.xps.fit_global(data, flat("Zr 3d"))  # type: ignore[arg-type]
    timed = {"a": {"Zr 3d": data["a"]["Zr 3d"].assign_attrs(dwell_time=0.1), "Na 1s": data["a"]["Na 1s"]}}
    with pytest.raises(InputError, match="dwell time"):
        ss.xps.fit_global(timed, recipe(Link(f"{NA} area", follows=f"{ZR} area")), energy_shift=0.0)


PAGE = Path(__file__).resolve().parents[2] / "docs" / "global_fits.md"


def test_the_page_runs_and_recovers_the_truth_of_its_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    page: dict[str, object] = {"__name__": "__page__"}
    blocks = re.findall(
        r"^```\{code-cell\} ipython3\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    for number, block in enumerate(blocks, start=1):
        exec(compile(block, f"global_fits.md[{number}]", "exec"), page)  # noqa: S102
    assert "sharing improbable" in capsys.readouterr().out
    table = page["table"]
    assert isinstance(table, xr.Dataset)
    truth = {"annealed / charge shift": 1.7, "as sintered / charge shift": 2.3, "polished / charge shift": 1.1}
    truth |= {"Zr 3d / Zr4+ fwhm_gauss": 1.45, "Na 1s / Na+ fwhm_gauss": 1.55, "Na 1s / Na+ center": 1071.4}
    assert set(table.common.values.tolist()) == set(truth)
    for name, value in truth.items():
        assert abs(float(table.value.sel(common=name)) - value) < 4 * float(table.value_unc.sel(common=name)), name
    assert float(table.group_probability.min()) > 1e-4


def test_progress_counts_the_spectra() -> None:
    seen: list[tuple[int, int]] = []
    ss.xps.fit_global(study(22), recipe(BOTH[0]), energy_shift=0.0, progress=lambda a, b: seen.append((a, b)))
    assert seen[-1] == (6, 6)
    assert [a for a, _ in seen] == sorted(a for a, _ in seen)
