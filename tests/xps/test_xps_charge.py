"""Charge correction: calibration on simulations, what ISO 19318 asks for, refusals, series, samples; energy scales."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import voigt_profile

import surfspec as ss
from surfspec.errors import InputError, NotDeterminedError
from surfspec.xps.charge.record import FIELDS, QUANTUM
from surfspec.xps.recipe import Range

X = np.arange(172.0, 198.0, 0.1)


def voigt(x: np.ndarray, center: float, gauss: float = 1.2, lorentz: float = 0.3) -> np.ndarray:
    """Unit-area Voigt from scipy, apart from the package's own."""
    return voigt_profile(x - center, gauss / 2.3548200450309493, lorentz / 2)


def zirconium(
    shift: float = 0.0, seed: int = 0, area: float = 2e4, boron: float = 0.0, at: float = 188.2
) -> xr.Dataset:
    """Simulated Zr 3d on a step, with a B 1s line of so many counts eV."""
    fine = np.arange(150.0, X[-1] + 1e-9, 0.02)
    peaks = area * (voigt(fine, 182.4 + shift) + 2 / 3 * voigt(fine, 184.81 + shift))
    total = peaks + 500 + 0.03 * np.cumsum(peaks) * 0.02
    y = np.interp(X, fine, total) + boron * voigt(X, at + shift, 1.4, 0.2)
    counts = np.random.default_rng(seed).poisson(y).astype(float)
    return ss.spectrum(X, counts, technique="XPS", region="Zr 3d", photon_energy=1486.6, simulated="true")


def fitted(raw: xr.Dataset) -> xr.Dataset:
    return ss.xps.fit(raw, "Zr 3d", shift_search=8)


def test_the_shift_is_calibrated() -> None:
    """At counts where noise, and not the 2 meV that the background leaves, decides."""
    pulls = []
    for seed in range(40):
        moved = ss.xps.charge_correct(raw := zirconium(2.31, seed, area=3000.0), fitted(raw))
        pulls.append((moved.attrs["charge_shift"] - 2.31) / moved.attrs["charge_shift_unc"])
    assert 0.7 < np.std(pulls) < 1.35, np.std(pulls)
    assert abs(np.mean(pulls)) < 0.6


def test_what_iso_19318_asks_for_is_recorded(tmp_path: Path) -> None:
    raw = zirconium(2.0)
    moved = ss.xps.charge_correct(raw, fitted(raw), energy_unc=0.15, control="flood gun, 2 eV")
    told = moved.attrs
    assert told["charge_method"] == "fitted reference line"
    assert (told["charge_reference"], told["charge_reference_energy"]) == ("Zr 3d5/2", 182.40)
    assert "convention of Querel" in told["charge_reference_source"]
    assert "unverified" in told["charge_reference_source"]
    assert told["charge_reference_energy_unc"] == 0.15
    assert 0 < told["charge_shift_unc"] < 0.02, "the uncertainty of the energy is kept apart"
    assert told["charge_control"] == "flood gun, 2 eV"
    ss.write(moved, tmp_path / "moved.csv")
    ss.save(xr.DataTree.from_dict({"/a": moved}), tmp_path / "a.nc")
    kept = ss.load(tmp_path / "a.nc")["a"].attrs
    assert all(kept[name] == told[name] for name in FIELDS if name in told)


def test_the_energy_is_the_tables_or_the_users() -> None:
    raw = zirconium()
    fit = fitted(raw)
    silicate = ss.xps.charge_correct(raw, fit, energy=182.7).attrs
    assert silicate["charge_reference_source"].startswith("silicate: Thermo")
    assert "charge_reference_energy_unc" not in silicate, "the source gives none"
    own = ss.xps.charge_correct(raw, fit, energy=182.55, energy_source="our Au foil").attrs
    assert own["charge_reference_source"] == "our Au foil"
    assert ss.xps.charge_correct(raw, fit, energy=182.55).attrs["charge_reference_source"] == "given by the user"


def test_a_given_shift() -> None:
    raw = zirconium()
    moved = ss.xps.charge_correct({"Zr 3d": raw}, shift=-1.25, shift_unc=0.2)["Zr 3d"]
    np.testing.assert_array_equal(moved.binding_energy, raw.binding_energy + 1.25)
    assert moved.attrs["charge_method"] == "given shift"
    assert moved.attrs["charge_shift_unc"] == 0.2
    assert "charge_reference" not in moved.attrs
    centre_unc = ss.xps.fit(moved, "Zr 3d", shift_search=3).center_unc.values
    assert np.all(centre_unc > 0.2), "every line has the uncertainty of the shift"


@pytest.mark.parametrize(
    "options",
    [{}, {"shift": float("nan")}, {"shift": "2"}, {"shift": True}, {"shift": 1.0, "shift_unc": -0.1}, {"shift": 1e6}],
)
def test_shifts_that_are_none(options: dict[str, object]) -> None:
    with pytest.raises(InputError, match="shift"):
        ss.xps.charge_correct(zirconium(), **options)


def test_fit_and_shift_exclude_each_other() -> None:
    raw = zirconium()
    with pytest.raises(InputError, match="both a fit and a shift"):
        ss.xps.charge_correct(raw, fitted(raw), shift=1.0)
    with pytest.raises(InputError, match="energy_unc is -1"):
        ss.xps.charge_correct(raw, fitted(raw), energy_unc=-1.0)


@settings(max_examples=200, deadline=None)
@given(start=st.floats(10.0, 1300.0), step=st.floats(0.02, 1.0), shift=st.floats(-9.0, 9.0), size=st.integers(2, 200))
def test_undone_to_the_last_digit(start: float, step: float, shift: float, size: int) -> None:
    x = start + step * np.arange(size)
    raw = ss.spectrum(x, np.ones(size), technique="XPS", charge_control="none")
    moved = ss.xps.charge_correct(raw, shift=shift)
    assert abs(moved.attrs["charge_shift"] - shift) <= QUANTUM / 2
    back = ss.xps.undo_charge_correction(moved)
    assert back.attrs == raw.attrs
    same = np.frexp(x)[1] >= np.frexp(moved.binding_energy.values)[1]  # no energy was taken up over a power of two
    np.testing.assert_array_equal(back.binding_energy.values[same], x[same])
    np.testing.assert_allclose(back.binding_energy, x, rtol=0, atol=3e-13)


def test_input_is_not_changed_and_correction_comes_once() -> None:
    raw = zirconium(1.0)
    before = raw.copy(deep=True)
    moved = ss.xps.charge_correct(raw, fitted(raw))
    xr.testing.assert_identical(raw, before)
    np.testing.assert_array_equal(moved.intensity, raw.intensity)
    with pytest.raises(InputError, match="already shifted by"):
        ss.xps.charge_correct(moved, shift=1.0)
    with pytest.raises(InputError, match="already corrected"):
        ss.xps.charge_correct(raw, fitted(moved))
    with pytest.raises(InputError, match="no charge correction"):
        ss.xps.undo_charge_correction(raw)


class TestRefusals:
    def test_boron_that_was_fitted(self) -> None:
        raw = zirconium(boron=3000.0, at=191.0)
        fit = ss.xps.fit(raw, "B 1s")
        with pytest.raises(NotDeterminedError, match="B 1s overlaps it in the window"):
            ss.xps.charge_correct(raw, fit)
        forced = ss.xps.charge_correct(raw, fit, force=True)
        assert "B 1s overlaps" in forced.attrs["charge_note"]

    def test_boron_that_was_looked_for_and_is_not_there(self) -> None:
        raw = zirconium()
        fit = ss.xps.fit(raw, "B 1s")
        assert fit.flag.sel(component="borate").item() == "below_detection"
        assert "charge_note" not in ss.xps.charge_correct(raw, fit).attrs

    def test_boron_that_is_known_to_be_there(self) -> None:
        raw = zirconium()
        with pytest.raises(NotDeterminedError, match="B is in the sample"):
            ss.xps.charge_correct(raw, fitted(raw), elements=["Na", "B"])
        ss.xps.charge_correct(raw, fitted(raw), elements=["Na", "P", "Si", "O"])
        with pytest.raises(InputError, match="no element"):
            ss.xps.charge_correct(raw, fitted(raw), elements=["Bx"])

    def test_boron_that_only_the_data_show(self) -> None:
        raw = zirconium(boron=3000.0)
        with pytest.raises(NotDeterminedError, match=r"the data have a line at 188\.\d eV .* where B 1s can lie"):
            ss.xps.charge_correct(raw, fitted(raw))

    def test_no_false_alarm_in_simulations_without_boron(self) -> None:
        for seed in range(30):
            raw = zirconium(1.5, seed)
            assert "charge_note" not in ss.xps.charge_correct(raw, fitted(raw)).attrs

    def test_sodium_beside_tin_depends_on_the_source(self) -> None:
        x = np.arange(478.0, 504.0, 0.1)
        y = 800 + 9000 * voigt(x, 486.6) + 6000 * voigt(x, 495.01)
        recipe = ss.xps.load_recipe("Sn 3d")
        alone = replace(recipe, doublets=recipe.doublets[:1], peaks=())
        options = {"line": "Sn 3d5/2", "energy": 486.6, "elements": ["Na"]}
        for photon_energy, refused in ((1486.6, True), (1253.6, False)):
            raw = ss.spectrum(x, np.round(y), technique="XPS", region="Sn 3d", photon_energy=photon_energy)
            fit = ss.xps.fit(raw, alone)
            if refused:
                with pytest.raises(NotDeterminedError, match="Na KLL overlaps it, and Na is in the sample"):
                    ss.xps.charge_correct(raw, fit, **options)
            else:
                assert abs(ss.xps.charge_correct(raw, fit, **options).attrs["charge_shift"]) < 0.02

    def test_weak_held_and_missing_references(self) -> None:
        raw = zirconium()
        recipe = ss.xps.load_recipe("Zr 3d")
        held = replace(recipe.doublets[0], center=182.4)
        with pytest.raises(NotDeterminedError, match="a limit or the recipe holds its position"):
            ss.xps.charge_correct(raw, ss.xps.fit(raw, replace(recipe, doublets=(held,))))
        limited = replace(recipe.doublets[0], center=Range(181.9, 181.0, 182.2))
        with pytest.raises(NotDeterminedError, match="holds its position"):
            ss.xps.charge_correct(raw, ss.xps.fit(raw, replace(recipe, doublets=(limited,)), shift_search=0))
        faint = zirconium(area=40.0)
        with pytest.raises(NotDeterminedError):
            ss.xps.charge_correct(faint, ss.xps.fit(faint, "Zr 3d", shift_search=0))
        with pytest.raises(InputError, match="Its lines are Zr 3d5/2, Zr 3d3/2"):
            ss.xps.charge_correct(raw, fitted(raw), line="C 1s")
        with pytest.raises(InputError, match="the shift would be"):
            ss.xps.charge_correct(raw, fitted(raw), energy=18.24)

    def test_one_of_several_states_can_be_named(self) -> None:
        x = np.arange(276.0, 300.0, 0.1)
        y = 400 + 2e4 * voigt(x, 285.6) + 4e3 * voigt(x, 290.0)
        raw = ss.spectrum(x, np.round(y), technique="XPS", region="C 1s", photon_energy=1486.6)
        fit = ss.xps.fit(raw, "C 1s", shift_search=2)
        carbon = {"line": "C 1s", "energy": 284.8}
        with pytest.raises(NotDeterminedError, match=r"several states \(C-C, carbonate\), and component= names none"):
            ss.xps.charge_correct(raw, fit, **carbon)
        told = ss.xps.charge_correct(raw, fit, component="C-C", **carbon).attrs
        assert told["charge_shift"] == pytest.approx(0.8, abs=0.02)
        assert told["charge_reference_component"] == "C-C"
        with pytest.raises(InputError, match="Its components are C-C, C-O, carbonate"):
            ss.xps.charge_correct(raw, fit, component="Zr4+", **carbon)

    def test_other_sample_other_technique_other_axis(self) -> None:
        raw = zirconium()
        fit = fitted(raw.assign_attrs(sample="A"))
        with pytest.raises(InputError, match="of sample 'B' and the reference fit of 'A'"):
            ss.xps.charge_correct(raw.assign_attrs(sample="B"), fit)
        with pytest.raises(InputError, match="to_binding_energy"):
            ss.xps.charge_correct(ss.spectra.to_kinetic_energy(raw), fit)


class TestSeries:
    SHIFTS = (2.0, 2.35, 2.6)

    def series(self) -> xr.Dataset:
        return ss.stack([zirconium(s, i) for i, s in enumerate(self.SHIFTS)], "spot")

    def test_members_that_shift_differently(self, tmp_path: Path) -> None:
        raw = self.series()
        moved = ss.xps.charge_correct(raw, ss.xps.fit(raw, "Zr 3d", shift_search=8))
        whole = moved.attrs["charge_shift"] + moved.energy_shift.values
        np.testing.assert_allclose(whole, self.SHIFTS, atol=0.02)
        np.testing.assert_array_equal(moved.intensity, raw.intensity)
        fit = ss.xps.fit(moved, "Zr 3d")
        np.testing.assert_allclose(fit.center.sel(component="Zr4+ 3d5/2"), 182.40, atol=3e-3)
        assert fit.attrs["energy_shift"] == 0.0
        back = ss.xps.undo_charge_correction(moved)
        np.testing.assert_array_equal(back.binding_energy, raw.binding_energy)
        assert "energy_shift" not in back.coords
        ss.save(xr.DataTree.from_dict({"/a": moved}), tmp_path / "a.nc")
        with pytest.raises(InputError, match="already shifted"):
            ss.xps.charge_correct(moved, shift=1.0)

    def test_other_regions_of_the_same_members(self) -> None:
        raw = self.series()
        x = np.arange(1064.0, 1082.0, 0.1)
        sodium = [ss.spectrum(x, np.round(300 + 5000 * voigt(x, 1071.5 + s)), technique="XPS", region="Na 1s")
                  for s in self.SHIFTS]  # fmt: skip
        regions = {"Zr 3d": raw, "Na 1s": ss.stack(sodium, "spot")}
        moved = ss.xps.charge_correct(regions, ss.xps.fit(raw, "Zr 3d", shift_search=8))
        fit = ss.xps.fit(moved["Na 1s"], "Na 1s")
        np.testing.assert_allclose(fit.center.values[:, 0], 1071.5, atol=0.02)
        assert np.all(fit.center_unc.values[:, 0] >= moved["Na 1s"].energy_shift_unc.values)

    def test_members_are_found_by_their_labels(self) -> None:
        """A fit of the same members in another order: each is moved by its own shift, not by that in its place."""
        raw = ss.stack([zirconium(s, i) for i, s in enumerate(self.SHIFTS)], "spot", ["a", "b", "c"])
        fit = ss.xps.fit(raw, "Zr 3d", shift_search=8)
        turned = ss.xps.charge_correct(raw.isel(spot=[2, 0, 1]), fit)
        expected = ss.xps.charge_correct(raw, fit).energy_shift.sel(spot=["c", "a", "b"])
        np.testing.assert_array_equal(turned.energy_shift, expected)
        np.testing.assert_array_equal(turned.energy_shift_unc, expected.energy_shift_unc)
        centers = ss.xps.fit(turned, "Zr 3d").center.sel(component="Zr4+ 3d5/2")
        np.testing.assert_allclose(centers, 182.40, atol=3e-3)
        for other in (raw.assign_coords(spot=["a", "b", "d"]), raw.drop_vars("spot")):
            with pytest.raises(InputError, match="along 'spot' the members of the spectrum are"):
                ss.xps.charge_correct({"Zr 3d": other}, fit)
        bare = ss.xps.charge_correct(raw.drop_vars("spot"), fit.drop_vars("spot"))
        np.testing.assert_array_equal(bare.energy_shift, expected.sel(spot=["a", "b", "c"]))

    def test_members_that_shift_alike_carry_nothing(self) -> None:
        raw = ss.stack([zirconium(2.0), zirconium(2.0)], "spot")
        moved = ss.xps.charge_correct(raw, ss.xps.fit(raw, "Zr 3d", shift_search=8))
        assert "energy_shift" not in moved.coords

    def test_a_member_without_reference_is_named(self) -> None:
        raw = self.series()
        raw.intensity.values[1] = 500.0
        fit = ss.xps.fit(raw, "Zr 3d", shift_search=8)
        with pytest.raises(NotDeterminedError, match="member spot 1: Zr 3d5/2 cannot serve"):
            ss.xps.charge_correct(raw, fit)
        with pytest.raises(InputError, match="the spectrum has no series"):
            ss.xps.charge_correct(raw.isel(spot=0), fit)


def test_samples_charge_on_their_own() -> None:
    samples = {name: {"Zr 3d": zirconium(s).assign_attrs(sample=name)} for name, s in (("A", 1.0), ("B", 2.5))}
    fits = {name: fitted(regions["Zr 3d"]) for name, regions in samples.items()}
    moved = ss.xps.charge_correct_each(samples, fits)
    assert [moved[n]["Zr 3d"].attrs["charge_shift"] for n in "AB"] == pytest.approx([1.0, 2.5], abs=0.02)
    with pytest.raises(InputError, match="charge_correct_each"):
        ss.xps.charge_correct(samples, fits["A"])
    with pytest.raises(InputError, match="no fit of B"):
        ss.xps.charge_correct_each(samples, {"A": fits["A"]})
    with pytest.raises(NotDeterminedError, match=r"A: .*B is in the sample.*; B: "):
        ss.xps.charge_correct_each(samples, fits, elements=["B"])


@pytest.mark.parametrize("bad", [float("nan"), "2.0", "abc", 1e9])
def test_a_correction_that_is_no_number_is_not_undone(bad: object) -> None:
    moved = ss.xps.charge_correct(zirconium(), shift=2.0).assign_attrs(charge_shift=bad)
    with pytest.raises(InputError, match="charge_shift is"):
        ss.xps.undo_charge_correction(moved)


def test_no_spectra_are_refused() -> None:
    with pytest.raises(InputError, match="no spectra"):
        ss.xps.charge_correct({}, shift=1.0)


class TestScales:
    def test_there_and_back(self) -> None:
        raw = zirconium()
        kinetic = ss.spectra.to_kinetic_energy(raw)
        assert kinetic.kinetic_energy.values[0] == pytest.approx(1486.6 - X[-1])
        np.testing.assert_array_equal(kinetic.intensity.values[::-1], raw.intensity.values)
        back = ss.spectra.to_binding_energy(kinetic)
        np.testing.assert_allclose(back.binding_energy, raw.binding_energy, atol=1e-9)
        np.testing.assert_array_equal(back.intensity, raw.intensity)
        assert ss.spectra.to_binding_energy(back) is back

    def test_the_photon_energy_must_be_known_and_not_contradict(self) -> None:
        raw = ss.spectrum([100.0, 100.1], [1, 2], technique="XPS", axis="kinetic_energy")
        with pytest.raises(InputError, match="photon energy is not known"):
            ss.spectra.to_binding_energy(raw)
        with pytest.raises(InputError, match=r"says a photon energy of 1486\.6 eV and 1253\.6"):
            ss.spectra.to_kinetic_energy(zirconium(), photon_energy=1253.6)
        with pytest.raises(InputError, match="above the photon energy"):
            ss.spectra.to_kinetic_energy(zirconium().assign_attrs(photon_energy=150.0))
        with pytest.raises(InputError, match="Only photoelectrons"):
            ss.spectra.to_binding_energy(ss.spectrum([1, 2], [3, 4], technique="LEIS"), photon_energy=1486.6)

    @pytest.mark.parametrize("axis", ["kinetic_energy", "binding_energy"])
    def test_the_work_function_of_a_file_is_kept_and_never_applied(self, tmp_path: Path, axis: str) -> None:
        """A VAMAS block with a work function of 3.5 eV: other programs took it off once more."""
        plain = zirconium()
        raw = ss.spectra.to_kinetic_energy(plain) if axis == "kinetic_energy" else plain
        ss.write(raw.assign_attrs(work_function=3.5), tmp_path / "a.vms")
        text = (tmp_path / "a.vms").read_text()
        assert "3.5" in text.splitlines()
        read = ss.read(tmp_path / "a.vms")
        read = ss.spectra.to_binding_energy(read)
        np.testing.assert_allclose(read.binding_energy, plain.binding_energy, atol=1e-6)
        assert read.attrs["work_function"] == 3.5
        assert ss.spectra.to_kinetic_energy(read).attrs["work_function"] == 3.5


@pytest.mark.data
def test_work_functions_of_real_files_do_not_move_the_scale(data_dir: Path) -> None:
    """Binding energy = photon energy - kinetic energy of the file, whatever its work function."""
    checked = 0
    for file in sorted((data_dir / "xps").rglob("*.vms")):
        try:
            tree = ss.read_tree(file)
        except ss.SurfspecError:
            continue
        for node in tree.leaves:
            one = node.to_dataset()
            if (
                one.attrs.get("technique") != "XPS"
                or "work_function" not in one.attrs
                or "photon_energy" not in one.attrs
            ):
                continue
            if ss.check(one)["intensity"].dims[-1] != "binding_energy":
                continue
            kinetic = ss.read_tree(file, axis="kinetic_energy")[node.path].to_dataset()
            both = kinetic.kinetic_energy.values[::-1] + one.binding_energy.values
            np.testing.assert_allclose(both, one.attrs["photon_energy"], atol=1e-6)
            checked += 1
            break
    assert checked >= 3
