"""What a recipe can say beyond single peaks: in-fit backgrounds, priors, free ratios, multiplets, X-ray satellites."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from scipy.special import voigt_profile

import surfspec as ss
from surfspec import recipes
from surfspec.errors import InputError, RecipeError
from surfspec.xps import Background, Doublet, Multiplet, MultipletLine, Peak, Range, Recipe

FWHM = 2 * np.sqrt(2 * np.log(2))
ENERGY = np.arange(176.0, 192.0, 0.1)


def line(x: np.ndarray, center: float, area: float = 1.0, gauss: float = 1.2, lorentz: float = 0.3) -> np.ndarray:
    return area * voigt_profile(x - center, gauss / FWHM, lorentz / 2)


def zr3d(area: float, ratio: float = 2 / 3, k: float = 0.03, level: float = 200.0) -> np.ndarray:
    fine = np.arange(150.0, 192.05, 0.01)
    peaks = line(fine, 182.4, area) + line(fine, 184.81, ratio * area)
    return np.interp(ENERGY, fine, peaks + k * np.cumsum(peaks) * 0.01) + level


def spectrum(expected: np.ndarray, seed: int, x: np.ndarray = ENERGY, **attrs: object) -> xr.Dataset:
    y = np.random.default_rng(seed).poisson(expected)
    return ss.spectrum(x, y, technique="XPS", simulated="true", **attrs)


@pytest.mark.parametrize(
    "under",
    [
        Background("active"),
        Background("active", {"shirley": "each", "degree": 1}),
        Background("active", {"shirley": "shared", "slope": "shared"}),
    ],
)
def test_in_fit_backgrounds_recover_areas(under: Background) -> None:
    recipe = replace(ss.xps.load_recipe("Zr 3d"), background=under)
    pulls = []
    for seed in range(60):
        fit = ss.xps.fit(spectrum(zr3d(2000.0), seed), recipe)
        assert fit.verdict.item() != "failed", fit.reasons.item()
        np.testing.assert_array_equal(fit.model, fit.background + fit.contribution.sum("component"))
        pulls.append(float((fit.area[0] - 2000.0) / fit.area_unc[0]))
    assert abs(np.mean(pulls)) < 0.4
    assert 0.8 < np.std(pulls) < 1.2


def test_shirley_strength_and_level_are_parameters() -> None:
    recipe = replace(ss.xps.load_recipe("Zr 3d"), background=Background("active"))
    fit = ss.xps.fit(spectrum(zr3d(20000.0), 0), recipe)
    k = fit.sel(parameter="background shirley")
    assert abs(k.value - 0.03) < 3 * k.value_unc
    assert str(k.parameter_unit.item()) == "1/eV"
    level = fit.sel(parameter="background level")
    assert abs(level.value - 200.0) < 4 * level.value_unc


def test_a_series_of_in_fit_backgrounds_equals_single_fits() -> None:
    recipe = replace(ss.xps.load_recipe("Zr 3d"), background=Background("active"))
    members = [spectrum(zr3d(2000.0 + 10 * i), i) for i in range(33)]
    series = ss.xps.fit(ss.stack(members, "cycle", list(range(33))), recipe)
    alone = ss.xps.fit(members[7], recipe)
    np.testing.assert_array_equal(series.area.isel(cycle=7), alone.area)
    with pytest.raises(InputError, match="engine='numpy'"):
        ss.xps.fit(members[0], recipe, engine="numpy")


def test_bootstrap_of_an_in_fit_background() -> None:
    recipe = replace(ss.xps.load_recipe("Zr 3d"), background=Background("active"))
    one = spectrum(zr3d(2000.0), 1)
    fit = ss.xps.fit(one, recipe)
    again = ss.xps.bootstrap(one, fit, replicates=100)
    assert again.area_unc[0] == pytest.approx(float(fit.area_unc[0]), rel=0.25)


def test_a_free_ratio_with_a_prior_says_what_the_data_say() -> None:
    """Truth 0.72: a weak prior of 0.667 +- 0.03 gives way to strong data, and holds weak ones."""
    doublet = replace(ss.xps.load_recipe("Zr 3d").doublets[0], ratio=Range(0.667, 0.4, 1.0, prior=0.03))
    recipe = replace(ss.xps.load_recipe("Zr 3d"), doublets=(doublet,), background=Background("active"))
    strong = ss.xps.fit(spectrum(zr3d(50000.0, ratio=0.72, level=2000.0), 2), recipe).sel(parameter="Zr4+ ratio")
    assert abs(strong.value - 0.72) < 3 * strong.value_unc
    assert strong.value_unc < 0.01
    assert float(strong.prior) == 0.667
    assert float(strong.prior_unc) == 0.03
    weak = ss.xps.fit(spectrum(zr3d(60.0, ratio=0.72, level=20.0), 3), recipe).sel(parameter="Zr4+ ratio")
    assert abs(weak.value - 0.667) < 0.03
    assert 0.02 < weak.value_unc <= 0.0301


def test_free_ratio_reaches_area_and_covariance() -> None:
    doublet = replace(ss.xps.load_recipe("Zr 3d").doublets[0], ratio=Range(0.667, 0.4, 1.0))
    recipe = replace(ss.xps.load_recipe("Zr 3d"), doublets=(doublet,), background=Background("active"))
    pulls = []
    for seed in range(60):
        fit = ss.xps.fit(spectrum(zr3d(5000.0, ratio=0.6), seed), recipe)
        total, unc = float(fit.area.sum()), float(fit.area_covariance.sum()) ** 0.5
        pulls.append([(fit.area[0] - 5000.0) / fit.area_unc[0], (fit.area[1] - 3000.0) / fit.area_unc[1],
                      (total - 8000.0) / unc])  # fmt: skip
    assert np.all((np.std(pulls, axis=0) > 0.8) & (np.std(pulls, axis=0) < 1.25))
    assert np.all(np.abs(np.mean(pulls, axis=0)) < 0.45)


def test_a_prior_on_the_splitting_instead_of_narrow_limits() -> None:
    """A faint doublet whose splitting would lie on a limit is fitted without that reproach."""
    wide = ss.xps.load_recipe("Zr 3d")
    assert wide.doublets[0].splitting == Range(2.41, 2.2, 2.6, prior=0.01)
    narrow = replace(wide, doublets=(replace(wide.doublets[0], splitting=Range(2.41, 2.36, 2.46)),))
    at_bound = {"walls": 0, "spring": 0}
    for seed in range(40):
        one = spectrum(zr3d(60.0, k=0.0, level=2.0), seed)
        at_bound["walls"] += "splitting" in ss.xps.fit(one, narrow).reasons.item()
        fit = ss.xps.fit(one, wide)
        at_bound["spring"] += "splitting" in fit.reasons.item()
        assert abs(float(fit.value.sel(parameter="Zr4+ splitting")) - 2.41) < 0.02
    assert at_bound["walls"] > 5
    assert at_bound["spring"] == 0


def test_scofield_ratio_is_that_of_the_table() -> None:
    doublet = Doublet("Zr4+", "Zr 3d", 182.4, 2.41, ratio="scofield")
    expected = ss.reference.sensitivity("scofield", "Zr 3d3/2") / ss.reference.sensitivity("scofield", "Zr 3d5/2")
    assert doublet.area_ratio() == expected == pytest.approx(0.688, abs=2e-3)
    fit = ss.xps.fit(spectrum(zr3d(5000.0), 0), replace(ss.xps.load_recipe("Zr 3d"), doublets=(doublet,)))
    assert float(fit.area[1] / fit.area[0]) == pytest.approx(expected, rel=1e-12)


def test_coster_kronig_broadening_as_a_free_width_ratio() -> None:
    """Ti 2p1/2 is broader than 2p3/2: the ratio of their Lorentz widths comes out."""
    x = np.arange(450.0, 472.0, 0.1)
    truth = line(x, 458.8, 20000, 0.9, 0.3) + line(x, 464.5, 10000, 0.9, 0.9) + 500
    recipe = Recipe(
        "Ti 2p", "Ti 2p", (451.0, 471.0), background=Background("polynomial"),
        doublets=(
            Doublet("Ti4+", "Ti 2p", Range(458.6, 457.5, 460.0), Range(5.7, 5.4, 6.0), width_ratio=Range(2.0, 1.0, 5.0),
                    widths={"fwhm_gauss": Range(1.0, 0.5, 2.0), "fwhm_lorentz": Range(0.3, 0.05, 1.0)}),
        ),
    )  # fmt: skip
    fit = ss.xps.fit(spectrum(truth, 4, x), recipe).sel(parameter="Ti4+ width ratio")
    assert abs(fit.value - 3.0) < 3 * fit.value_unc
    assert fit.value_unc < 0.5


def test_widths_of_the_weaker_line_of_its_own() -> None:
    base = ss.xps.load_recipe("Zr 3d")
    own = replace(base.doublets[0], weak_widths={"fwhm_gauss": Range(1.2, 0.5, 2.5)})
    fit = ss.xps.fit(spectrum(zr3d(20000.0), 5), replace(base, doublets=(own,)))
    weak = fit.sel(parameter="Zr4+ weak fwhm_gauss")
    assert abs(weak.value - 1.2) < 4 * weak.value_unc
    assert "Zr4+ fwhm_gauss" in fit.parameter.values


def test_a_multiplet_is_one_object() -> None:
    """Four lines with fixed distances and shares; the area is that of all."""
    x = np.arange(700.0, 720.0, 0.1)
    lines = ((0.0, 40.0), (1.1, 30.0), (2.3, 20.0), (4.6, 10.0))
    truth = sum(line(x, 708.4 + d, 300.0 * s, 1.3, 0.2) for d, s in lines) + 800
    multiplet = Multiplet(
        "Fe2+", "Fe 2p3/2", Range(708.0, 706.5, 710.0), tuple(MultipletLine(d, s) for d, s in lines),
        widths={"fwhm_gauss": Range(1.2, 0.5, 2.5), "fwhm_lorentz": 0.2},
    )  # fmt: skip
    recipe = Recipe("Fe", "Fe 2p", (701.0, 719.0), multiplets=(multiplet,), background=Background("polynomial"))
    fit = ss.xps.fit(spectrum(truth, 6, x), recipe)
    total = fit.sel(parameter="Fe2+ area")
    assert abs(total.value - 30000.0) < 3 * total.value_unc
    assert float(fit.area.sum()) == pytest.approx(float(total.value), rel=1e-12)
    assert abs(fit.center[0] - 708.4) < 3 * fit.center_unc[0]
    assert [str(v) for v in fit.component.values] == [f"Fe2+ {i}" for i in (1, 2, 3, 4)]
    assert set(fit.line.values.tolist()) == {"Fe 2p3/2"}


def test_satellites_of_a_source_without_monochromator() -> None:
    """O 1s of a magnesium anode: without its satellites the model fails, with them the area is right."""
    x = np.arange(515.0, 540.0, 0.1)
    truth = line(x, 531.0, 40000, 1.3, 0.2) + 400
    for row in ss.reference.table("xray_satellites").rows(anode="Mg"):
        truth = truth + line(x, 531.0 - row["displacement"], 40000 * row["relative_height"], 1.3, 0.2)
    widths = {"fwhm_gauss": Range(1.2, 0.5, 2.5), "fwhm_lorentz": Range(0.2, 0.0, 1.0)}
    peak = Peak("oxide", "O 1s", Range(531.0, 529.0, 533.0), widths=widths)
    with_them = Recipe("O", "O 1s", (516.0, 539.0), peaks=(peak,), background=Background("polynomial"), satellites="Mg")
    one = spectrum(truth, 7, x)
    fit = ss.xps.fit(one, with_them)
    assert fit.verdict.item() == "ok", fit.reasons.item()
    assert abs(fit.area[0] - 40000) < 3 * fit.area_unc[0]
    assert [str(v) for v in fit.line.values][:3] == ["O 1s", "O 1s sat", "O 1s sat"]
    without = ss.xps.fit(one, replace(with_them, satellites="none"))
    assert without.verdict.item() == "check"
    quantified = ss.xps.quantify({"O 1s": fit.assign_attrs(photon_energy=1253.6)}, library={"O 1s": 2.93})
    assert float(quantified.area[0]) == pytest.approx(float(fit.area[0]), rel=1e-12)


def test_yaml_and_python_are_the_same_words() -> None:
    text = """
recipe: Ni 2p
region: Ni 2p
window: [848.0, 885.0]
background: {kind: active, options: {degree: 1, shirley: each, slope: shared}}
satellites: Al
peaks:
  - {name: sat, line: Ni 2p3/2, center: {value: 861.0, low: 859.0, high: 863.0}}
doublets:
  - name: Ni0
    line: Ni 2p
    center: {value: 852.6, low: 851.5, high: 853.5}
    splitting: {value: 17.27, low: 17.0, high: 17.6, prior: 0.05}
    ratio: scofield
    width_ratio: {value: 1.5, low: 1.0, high: 3.0, prior: 0.3}
    weak_widths: {fwhm_gauss: {value: 1.4, low: 0.5, high: 3.0}}
multiplets:
  - name: Ni2+
    line: Ni 2p3/2
    center: {value: 854.0, low: 853.0, high: 855.0}
    lines: [{offset: 0.0, ratio: 14.3}, {offset: 1.2, ratio: 44.2, width_factor: 1.3}]
"""
    recipe = recipes.load_yaml(text, Recipe)
    assert recipe.multiplets[0].lines[1] == MultipletLine(1.2, 44.2, 1.3)
    assert recipe.doublets[0].splitting == Range(17.27, 17.0, 17.6, prior=0.05)
    assert recipes.load_yaml(recipes.to_yaml(recipe), Recipe) == recipe


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("{kind: active, options: {shirly: each}}", "no option 'shirly'"),
        ("{kind: active, options: {shirley: always}}", "Use none, shared, each"),
        ("{kind: active, options: {degree: 5}}", "degree is 5"),
        ("{kind: active, options: {C: 500}}", "belong to a Tougaard term"),
        ("{kind: active, options: {tougaard: U4}}", "needs its gap"),
        ("{kind: active, options: {shirley: none, degree: -1}}", "no term"),
        ("{kind: polynomial, options: {shirley: each}}", "no option 'shirley'"),
    ],
)
def test_backgrounds_that_cannot_be_are_refused_in_words(words: str, told: str) -> None:
    text = f"recipe: C\nregion: C 1s\nwindow: [280, 292]\nbackground: {words}\n"
    text += "peaks: [{name: C-C, line: C 1s, center: 284.8}]\n"
    with pytest.raises(RecipeError, match=told):
        recipes.load_yaml(text, Recipe)


def test_numbers_that_cannot_be_are_refused_in_words() -> None:
    with pytest.raises(InputError, match="prior"):
        Range(2.41, 2.2, 2.6, prior=-1.0)
    with pytest.raises(InputError, match="follows another"):
        Range(follows="Zr4+", prior=0.1)
    with pytest.raises(InputError, match="has 1 lines"):
        Multiplet("Fe", "Fe 2p3/2", 708.0, (MultipletLine(0.0, 1.0),))
    with pytest.raises(InputError, match="width_ratio"):
        Doublet("Zr", "Zr 3d", 182.4, 2.41, width_ratio=0.0)
    other = Doublet("b", "Zr 3d", 180.0, 2.41, ratio=Range(follows="a"))
    base = ss.xps.load_recipe("Zr 3d")
    with pytest.raises(InputError, match="no free ratio"):
        ss.xps.fit(spectrum(zr3d(500.0), 0), replace(base, doublets=(Doublet("a", "Zr 3d", 182.4, 2.41), other)))


def shifted_series(count: int = 5) -> tuple[xr.Dataset, np.ndarray]:
    """Return a series whose members charged differently, as measured, and the shifts."""
    shifts = np.linspace(-0.7, 1.3, count)
    fine = np.arange(150.0, 194.0, 0.01)
    peaks = line(fine, 182.4, 5000.0) + line(fine, 184.81, 5000.0 * 2 / 3)
    whole = peaks + 0.03 * np.cumsum(peaks) * 0.01 + 200
    members = [spectrum(np.interp(ENERGY, fine + s, whole), i) for i, s in enumerate(shifts)]
    return ss.stack(members, "spot", list(range(count))), shifts


@pytest.mark.parametrize("kind", ["smart", "active"])
def test_members_with_shifts_of_their_own_are_fitted_on_the_corrected_scale(kind: str) -> None:
    series, shifts = shifted_series()
    own = series.assign_coords(energy_shift=("spot", shifts, {"units": "eV"}))
    recipe = replace(ss.xps.load_recipe("Zr 3d"), background=Background(kind))
    fit = ss.xps.fit(own, recipe)
    assert set(fit.verdict.values.tolist()) == {"ok"}, fit.reasons.values
    assert np.all(np.abs(fit.center[:, 0] - 182.4) < 4 * fit.center_unc[:, 0])
    assert np.all(np.abs(fit.area[:, 0] - 5000) < 4 * fit.area_unc[:, 0])
    np.testing.assert_array_equal(fit.binding_energy, own.binding_energy.sel(binding_energy=fit.binding_energy))
    alone = ss.xps.fit(own.isel(spot=3), recipe)
    assert float(alone.center[0]) == pytest.approx(float(fit.center[3, 0]), abs=5 * float(fit.center_unc[3, 0]))
    again = ss.xps.bootstrap(own, fit, replicates=60)
    assert np.all((again.center_unc / fit.center_unc)[:, 0] < 1.5)


def test_the_uncertainty_of_a_shift_of_its_own_reaches_the_centres() -> None:
    series, shifts = shifted_series()
    bare = series.assign_coords(energy_shift=("spot", shifts, {"units": "eV"}))
    unsure = bare.assign_coords(energy_shift_unc=("spot", np.full(5, 0.05), {"units": "eV"}))
    known, moved = ss.xps.fit(bare, "Zr 3d"), ss.xps.fit(unsure, "Zr 3d")
    np.testing.assert_allclose(moved.center_unc**2, known.center_unc**2 + 0.05**2, rtol=1e-9)


def test_shifts_of_their_own_that_cannot_be_are_refused() -> None:
    series, shifts = shifted_series()
    own = series.assign_coords(energy_shift=("spot", shifts, {"units": "eV"}))
    with pytest.raises(InputError, match="shift of its own"):
        ss.xps.fit(own, "Zr 3d", shift_search=2.0)
    with pytest.raises(InputError, match="no number"):
        ss.xps.fit(own.assign_coords(energy_shift=("spot", shifts * np.nan, {"units": "eV"})), "Zr 3d")
    with pytest.raises(InputError, match="no mean spectrum"):
        ss.xps.fit(own, "Zr 3d", start="global")
    with pytest.raises(InputError, match="engine='numpy'"):
        ss.xps.fit(own, "Zr 3d", engine="numpy")


def test_a_width_without_a_usual_range_must_be_named() -> None:
    peak = Peak("C-C", "C 1s", Range(284.8, 284.0, 286.0), shape="la", widths={"fwhm": Range(0.8, 0.3, 2.0)})
    recipe = Recipe("C 1s", "C 1s", (280.0, 292.0), peaks=(peak,))
    x = np.arange(279.0, 293.0, 0.1)
    with pytest.raises(InputError, match="Name 'alpha' in widths"):
        ss.xps.fit(spectrum(line(x, 284.8, 900.0) + 50, 0, x), recipe)


class TestWhatAFitSaysOfItself:
    """Faults that testers planted, and the reason that each must give (all simulated)."""

    recipe = replace(ss.xps.load_recipe("Zr 3d"), background=Background("active"))

    def with_center(self, **center: float) -> Recipe:
        one = replace(self.recipe.doublets[0], center=Range(**center))
        return replace(self.recipe, doublets=(one,))

    def test_a_prior_on_a_centre_needs_a_known_scale(self) -> None:
        known = self.with_center(value=181.9, low=181.0, high=183.8, prior=0.001)
        with pytest.raises(InputError, match="prior"):
            ss.xps.fit(spectrum(zr3d(1500.0), 0), known)
        fit = ss.xps.fit(spectrum(zr3d(1500.0), 0), known, shift_search=0)
        assert "prior contradicted: Zr4+ center" in fit.reasons.item()

    @pytest.mark.parametrize("count", [1, 40])
    def test_a_prior_that_the_data_contradict_is_named(self, count: int) -> None:
        held = replace(ss.xps.load_recipe("Zr 3d").doublets[0], splitting=Range(2.35, 2.2, 2.6, prior=0.005))
        recipe = replace(ss.xps.load_recipe("Zr 3d"), doublets=(held,))
        members = [spectrum(zr3d(5000.0, level=500.0), i) for i in range(count)]
        data = members[0] if count == 1 else ss.stack(members, "cycle", list(range(count)))
        reasons = np.atleast_1d(ss.xps.fit(data, recipe).reasons.values)
        assert np.mean(["prior contradicted: Zr4+ splitting" in one for one in reasons]) > 0.95
        good = ss.xps.fit(data, ss.xps.load_recipe("Zr 3d")).reasons.values
        assert not any("prior" in one for one in np.atleast_1d(good))

    def test_a_shift_at_the_end_of_the_search_is_named(self) -> None:
        moved = np.interp(ENERGY, ENERGY + 2.3, zr3d(3000.0))
        fit = ss.xps.fit(spectrum(moved, 1), "Zr 3d", shift_search=1.5)
        assert "energy scale: the shift that was found, 1.5 eV" in fit.reasons.item()
        assert "energy scale" not in ss.xps.fit(spectrum(moved, 1), "Zr 3d", shift_search=4).reasons.item()

    def test_satellites_of_another_anode_are_named(self) -> None:
        one = spectrum(zr3d(1500.0), 2, photon_energy=1486.6)
        wrong = ss.xps.fit(one, replace(self.recipe, satellites="Mg"))
        assert "model inadequate: satellites of Mg" in wrong.reasons.item()
        assert "satellites" not in ss.xps.fit(one, replace(self.recipe, satellites="Al")).reasons.item()

    def test_a_level_that_falls_is_no_constant(self) -> None:
        falling = zr3d(2000.0, level=900.0) - 15.0 * (ENERGY - ENERGY[0])
        told = [ss.xps.fit(spectrum(falling, i), self.recipe).reasons.item() for i in range(20)]
        assert np.mean(["background improper: a slope" in one for one in told]) > 0.95
        straight = replace(self.recipe, background=Background("active", {"degree": 1}))
        assert "slope" not in ss.xps.fit(spectrum(falling, 0), straight).reasons.item()
        flat = [ss.xps.fit(spectrum(zr3d(2000.0), i), self.recipe).reasons.item() for i in range(40)]
        assert sum("slope" in one for one in flat) <= 1

    def convex(self, seed: int, height: float, decay: float) -> xr.Dataset:
        """A line on the tail of a stronger one below the window."""
        x = np.arange(174.0, 194.0, 0.1)
        tail = 500 + height * np.exp(-(x - 174.0) / decay)
        return spectrum(tail + line(x, 182.4, 1500.0) + line(x, 184.81, 1000.0), seed, x)

    @pytest.mark.parametrize(("height", "decay"), [(3000.0, 4.0), (1500.0, 6.0)])
    def test_a_convex_level_is_never_called_well_fitted_by_a_straight_one(self, height: float, decay: float) -> None:
        for seed in range(6):
            one = self.convex(seed, height, decay)
            for under in (Background("smart"), Background("active"), Background("active", {"degree": 1})):
                told = ss.xps.fit(one, replace(self.recipe, background=under), energy_shift=0.0)
                assert "background improper" in told.reasons.item(), under
            bent = replace(self.recipe, background=Background("active", {"degree": 2}))
            fit = ss.xps.fit(one, bent, energy_shift=0.0)
            assert abs(fit.area[0] - 1500.0) < 3 * fit.area_unc[0]

    def test_a_level_that_is_flat_is_not_called_falling(self) -> None:
        told = [ss.xps.fit(spectrum(zr3d(300.0, k=0.0), i), "Zr 3d").reasons.item() for i in range(40)]
        assert not any("background improper: the level" in one for one in told)

    def test_an_area_that_hangs_on_the_strength_of_a_loss_is_named(self) -> None:
        free = Background("active", {"slope": "shared", "degree": 2})
        told = ss.xps.fit(spectrum(zr3d(1500.0, level=500.0), 1), replace(self.recipe, background=free)).reasons.item()
        assert "correlated: Zr4+ area and background shirley slope" in told

    def test_the_step_of_an_absent_peak_spoils_nothing(self) -> None:
        absent = replace(
            self.recipe.doublets[0], name="Zr2+", center=Range(180.6, 180.0, 181.2),
            widths={k: Range(follows="Zr4+") for k in ("fwhm_gauss", "fwhm_lorentz")}, splitting=Range(follows="Zr4+"),
        )  # fmt: skip
        each = Background("active", {"shirley": "each"})
        recipe = replace(self.recipe, doublets=(*self.recipe.doublets, absent), background=each)
        pulls = []
        for seed in range(30):
            fit = ss.xps.fit(spectrum(zr3d(2000.0), seed), recipe)
            assert fit.verdict.item() == "check", fit.reasons.item()
            pulls.append(float((fit.area[0] - 2000.0) / fit.area_unc[0]))
        assert 0.3 < np.std(pulls) < 1.3  # the strength of no peak is open, which makes the error bars cautious

    def test_a_peak_whose_tail_is_uncertain_is_not_called_absent(self) -> None:
        """A free asymmetry leaves the area of a clear line open: not determined, and not "no peak"."""
        x = np.arange(361.0, 376.0, 0.25)
        y = spectrum(line(x, 368.2, 900.0, 0.6, 0.5) + 4000 + 40 * (x > 368.2), 3, x)
        widths = {
            "fwhm": Range(0.4, 0.05, 1.5),
            "asymmetry": Range(0.05, 0.0, 0.45),
            "fwhm_gauss": Range(0.6, 0.2, 1.5),
        }
        peak = Peak("Ag", "Ag 3d5/2", Range(368.2, 367.0, 369.5), shape="doniach_sunjic_gauss", widths=widths)
        recipe = Recipe(
            "Ag", "Ag 3d", (361.0, 375.9), peaks=(peak,), background=Background("polynomial", {"degree": 2})
        )
        fit = ss.xps.fit(y, recipe)
        assert fit.height[0] > 5 * fit.height_unc[0]
        assert "no peak detected" not in fit.reasons.item()

    @pytest.mark.parametrize(
        ("attrs", "told"),
        [
            ({"charge_shift": "two"}, "charge_shift is 'two'"),
            ({"charge_shift": 1.0, "charge_shift_unc": -1.0}, "negative"),
        ],
    )
    def test_shifts_that_are_no_numbers_are_refused(self, attrs: dict, told: str) -> None:
        one = spectrum(zr3d(900.0), 0)
        one.attrs |= attrs
        with pytest.raises(InputError, match=told):
            ss.xps.fit(one, "Zr 3d")

    def test_an_unknown_uncertainty_of_the_shift_is_not_zero(self) -> None:
        one = spectrum(zr3d(900.0), 0)
        one.attrs |= {"charge_shift": 1.0, "charge_shift_unc": float("nan")}
        assert np.all(np.isnan(ss.xps.fit(one, "Zr 3d").center_unc))

    def test_what_cannot_be_is_refused_in_words(self) -> None:
        one = spectrum(zr3d(900.0), 0)
        fit = ss.xps.fit(one, "Zr 3d")
        with pytest.raises(InputError, match="not every component"):
            ss.xps.bootstrap(one, fit.isel(component=[0], component_b=[0]), replicates=10)
        with pytest.raises(InputError, match="energy_shift of the fit"):
            ss.xps.bootstrap(one, fit.assign_attrs(energy_shift="x"), replicates=10)
        with pytest.raises(InputError, match="options is 'foo'"):
            Background("active", "foo")  # type: ignore[arg-type]
        with pytest.raises(InputError, match="C is 1e-200"):
            Background("active", {"tougaard": "U3", "C": 1e-200})
        with pytest.raises(InputError, match="name is None"):
            Peak(None, "C 1s", 284.8)  # type: ignore[arg-type]
        own = replace(self.recipe.doublets[0], weak_widths={"fwhm_gauss": 1.2})
        with pytest.raises(InputError, match="would share widths"):
            replace(self.recipe, doublets=(own,), peaks=(Peak("Zr4+ weak", "Zr 3d3/2", 183.0),))
        with pytest.raises(InputError, match="shared is 3"):
            ss.xps.fit(ss.stack([one, one], "cycle", [1, 2]), "Zr 3d", shared=3)  # type: ignore[arg-type]
