"""Normalised areas and atomic percent: covariance by simulation, refusals, factors by what was fitted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy.special import voigt_profile

import surfspec as ss
from surfspec.errors import InputError, NotDeterminedError
from surfspec.xps.amounts.budget import transmission_at
from surfspec.xps.amounts.shared_window import by_element


def voigt(x: np.ndarray, center: float) -> np.ndarray:
    return voigt_profile(x - center, 1.4 / 2.3548200450309493, 0.15)


def sample(seed: int = 0, zr: float = 20000.0, na: float = 30000.0, **attrs: float) -> dict[str, xr.Dataset]:
    """Zr 3d and Na 1s of one sample, counted equally long."""
    rng = np.random.default_rng(seed)
    known = {"photon_energy": 1486.6, "dwell_time": 0.05, "scans": 40.0, "sample": "A", **attrs}
    e, f = np.arange(175.0, 193.0, 0.1), np.arange(1062.0, 1081.0, 0.1)
    peaks = {"Zr 3d": (e, zr * (voigt(e, 182.4) + 2 / 3 * voigt(e, 184.81))), "Na 1s": (f, na * voigt(f, 1071.4))}
    return {
        region: ss.spectrum(x, rng.poisson(800 + y + 0.02 * np.cumsum(y) * 0.1).astype(float), technique="XPS",
                            region=region, **known)
        for region, (x, y) in peaks.items()
    }  # fmt: skip


def fits(seed: int = 0, **options: float) -> dict[str, xr.Dataset]:
    return {region: ss.xps.fit(spectrum, region) for region, spectrum in sample(seed, **options).items()}


def test_ratio_is_unbiased_and_its_uncertainty_holds() -> None:
    tables = [ss.xps.normalise(fits(seed)) for seed in range(60)]
    ratio = np.array([float(t.normalised_area.sel(region="Na 1s")) for t in tables])
    unc = np.array([float(t.normalised_area_unc.sel(region="Na 1s")) for t in tables])
    pull = (ratio - 1.5) / unc
    assert abs(ratio.mean() / 1.5 - 1) < 0.004
    assert 0.75 < pull.std() < 1.25
    own = tables[0].normalised_area.sel(region="Zr 3d")
    assert float(own) == pytest.approx(5 / 3)
    assert float(tables[0].normalised_area_unc.sel(region="Zr 3d")) == 0.0


def test_regions_of_different_counting_time_are_compared_as_rates() -> None:
    one, other = fits(), fits()
    longer = sample(0, na=60000.0)["Na 1s"].assign_attrs(scans=80.0)
    other["Na 1s"] = ss.xps.fit(longer, "Na 1s")
    a, b = (ss.xps.normalise(x).normalised_area.sel(region="Na 1s").item() for x in (one, other))
    assert a == pytest.approx(b, rel=0.02)


def test_unknown_counting_times_are_remarked() -> None:
    bare = sample()
    for spectrum in bare.values():
        del spectrum.attrs["dwell_time"]
    table = ss.xps.normalise({k: ss.xps.fit(v, k) for k, v in bare.items()})
    assert "dwell" in table.attrs["note"]
    assert table.attrs["overall_verdict"] == "check"


def test_atomic_percent_is_the_formula() -> None:
    found = fits()
    table = ss.xps.quantify(found, library={"Zr 3d": 7.04, "Na 1s": 8.52})
    zr = float(found["Zr 3d"].area.sum()) / 7.04 / (1486.6 - 183.4) ** 0.75
    na = float(found["Na 1s"].area.sum()) / 8.52 / (1486.6 - 1071.4) ** 0.75
    assert float(table.atomic_percent.sel(region="Na 1s")) == pytest.approx(100 * na / (na + zr), rel=1e-3)
    assert float(table.atomic_percent.sum()) == pytest.approx(100.0)
    np.testing.assert_allclose(table.covariance.values.sum(), 0.0, atol=1e-9)


def test_the_factor_follows_the_fit_and_not_the_key() -> None:
    found = fits()
    right = ss.xps.quantify(found)
    swapped = ss.xps.quantify({"Na 1s": found["Zr 3d"], "Zr 3d": found["Na 1s"]})
    np.testing.assert_allclose(right.atomic_percent.values, swapped.atomic_percent.values[::-1][::-1])
    assert swapped.element.values.tolist() == ["Zr", "Na"]


def test_a_failed_fit_is_no_silent_zero() -> None:
    found = fits()
    found["Na 1s"] = found["Na 1s"].assign(verdict=xr.DataArray("failed"))
    with pytest.raises(NotDeterminedError, match="Na 1s failed"):
        ss.xps.quantify(found)
    assert np.isnan(ss.xps.normalise(found).normalised_area.sel(region="Na 1s"))


def test_factors_of_another_photon_energy_are_refused() -> None:
    with pytest.raises(InputError, match=r"1253\.6"):
        ss.xps.quantify(fits(photon_energy=1253.6))


@pytest.mark.parametrize("library", [{"Zr 3d": -1.0, "Na 1s": 1.0}, {"Zr 3d": "x", "Na 1s": 1.0}, {"Zr 3d": 1.0}])
def test_bad_libraries_are_refused(library: dict[str, float]) -> None:
    with pytest.raises(InputError):
        ss.xps.quantify(fits(), library=library)


def test_bad_calls_are_refused() -> None:
    found = fits()
    for call in (
        lambda: ss.xps.quantify([found["Na 1s"]]),
        lambda: ss.xps.quantify({}),
        lambda: ss.xps.quantify(found, library_unc=-1.0),
        lambda: ss.xps.normalise(found, to="C 1s"),
        lambda: ss.xps.charge_correct([sample()["Na 1s"]], found["Zr 3d"]),
        lambda: ss.xps.charge_correct(sample(), found["Zr 3d"], energy=0.0),
        lambda: ss.xps.charge_correct(sample(), found["Zr 3d"], energy="182.4"),
        lambda: ss.xps.charge_correct(sample()["Na 1s"].assign_attrs(sample="B"), found["Zr 3d"]),
    ):
        with pytest.raises(InputError):
            call()
    moved = ss.xps.charge_correct(sample(), found["Zr 3d"])
    again = ss.xps.fit(moved["Zr 3d"], "Zr 3d")
    with pytest.raises(InputError, match="already corrected"):
        ss.xps.charge_correct(sample(), again)


def test_a_line_alone_has_its_own_factor() -> None:
    e = np.arange(1010.0, 1036.0, 0.1)
    y = np.random.default_rng(0).poisson(800 + 2e4 * voigt(e, 1022.0)).astype(float)
    zn = ss.spectrum(e, y, technique="XPS", region="Zn 2p", photon_energy=1486.6)
    peak = ss.xps.Peak("Zn2+", "Zn 2p3/2", ss.xps.Range(1022.0, 1020.0, 1024.0))
    recipe = replace(ss.xps.load_recipe("Zn 2p"), doublets=(), peaks=(peak,), window=(1014.0, 1031.0))
    table = ss.xps.quantify({"Zn 2p": ss.xps.fit(zn, recipe)})
    assert float(table.sensitivity[0]) == pytest.approx(ss.reference.sensitivity("scofield", "Zn 2p3/2"))


def areas_replaced(fit: xr.Dataset, area: float, unc: float) -> xr.Dataset:
    """The same fit with another area of its one core level, and nothing else changed."""
    share = fit.area.values / fit.area.values.sum()
    out = fit.copy(deep=True)
    out["area"].values[:] = area * share
    out["area_covariance"].values[:] = np.outer(share, share) * unc**2
    return out


def three(seed: int = 0) -> dict[str, xr.Dataset]:
    """Zr 3d, Na 1s and a P 2p that is not there."""
    e = np.arange(125.0, 142.0, 0.1)
    counts = np.random.default_rng(seed).poisson(800.0, e.size).astype(float)
    known = {"photon_energy": 1486.6, "dwell_time": 0.05, "scans": 40.0, "sample": "A"}
    nothing = ss.spectrum(e, counts, technique="XPS", region="P 2p", **known)
    return {**fits(seed), "P 2p": ss.xps.fit(nothing, "P 2p")}


def test_the_budget_adds_up() -> None:
    stated = {"sensitivity": 0.05, "transmission_exponent": 0.1, "transmission": 0.02, "mean_free_path": 0.1}
    table = ss.xps.quantify(fits(), mean_free_path="Na3.4Zr2Si2.4P0.6O12", uncertainties=stated)
    parts = [table[f"from_{name}"].values for name in ("area", "sensitivity", "transmission", "mean_free_path")]
    assert all(np.all(part > 0) for part in parts)
    np.testing.assert_allclose(np.sqrt(np.sum(np.square(parts), axis=0)), table.atomic_percent_unc.values, rtol=1e-12)
    np.testing.assert_allclose(np.sqrt(np.diag(table.covariance.values)), table.atomic_percent_unc.values, rtol=1e-12)


def test_each_source_is_what_moving_it_does() -> None:
    """Two elements: u(c) = c (1 - c) u(ln n1 - ln n2), and the difference of the logarithms by hand."""
    found = fits()
    c = float(ss.xps.quantify(found, mean_free_path="ZrO2").atomic_percent[0]) / 100
    slope = np.log((1486.6 - 183.4) / (1486.6 - 1071.4))
    for stated, column, difference in (
        ({"sensitivity": 0.05}, "from_sensitivity", 0.05 * np.sqrt(2)),
        ({"transmission": 0.03}, "from_transmission", 0.03 * np.sqrt(2)),
        ({"transmission_exponent": 0.1}, "from_transmission", 0.1 * slope),
        ({"mean_free_path": 0.1, "mean_free_path_correlation": 0.8}, "from_mean_free_path", 0.1 * np.sqrt(2 * 0.2)),
        ({"mean_free_path": 0.1, "mean_free_path_correlation": 1.0}, "from_mean_free_path", 0.0),
    ):
        table = ss.xps.quantify(found, mean_free_path="ZrO2", uncertainties=stated)
        expected = 100 * c * (1 - c) * difference
        np.testing.assert_allclose(table[column].values, expected, rtol=2e-3, atol=1e-6)


def test_a_common_error_cancels_and_independent_ones_do_not() -> None:
    """A hundred samples with factors and exponents drawn anew: the stated uncertainty is the scatter."""
    found, rng = fits(), np.random.default_rng(1)
    shares = []
    for _ in range(300):
        library = {
            "Zr 3d": 7.04 * np.exp(0.05 * rng.standard_normal()),
            "Na 1s": 8.52 * np.exp(0.05 * rng.standard_normal()),
        }
        exponent = 0.1 * rng.standard_normal()
        table = ss.xps.quantify(found, library=library, transmission=exponent)
        shares.append(float(table.atomic_percent[1]))
    stated = {"sensitivity": 0.05, "transmission_exponent": 0.1}
    table = ss.xps.quantify(found, library={"Zr 3d": 7.04, "Na 1s": 8.52}, uncertainties=stated)
    systematic = np.hypot(float(table.from_sensitivity[1]), float(table.from_transmission[1]))
    assert np.std(shares) == pytest.approx(systematic, rel=0.12)


def test_mean_free_paths_of_a_material_and_transmissions() -> None:
    found = fits()
    library = {"Zr 3d": 7.04, "Na 1s": 8.52}
    areas = [float(found[r].area.sum()) for r in ("Zr 3d", "Na 1s")]
    kinetic = [1486.6 - 183.36, 1486.6 - 1071.4]
    paths = ss.xps.inelastic_mean_free_path("ZrO2", kinetic).mean_free_path.values
    table = ss.xps.quantify(found, library=library, mean_free_path="ZrO2", transmission=-0.5)
    amounts = np.array(areas) / [7.04, 8.52] / paths / np.array(kinetic) ** -0.5
    np.testing.assert_allclose(table.atomic_percent, 100 * amounts / amounts.sum(), rtol=1e-4)
    np.testing.assert_allclose(table.mean_free_path, paths, rtol=1e-3)
    assert table.mean_free_path.attrs["units"] == "nm"
    energies = np.linspace(300.0, 1500.0, 2401)
    tabled = ss.xps.quantify(
        found, library=library, mean_free_path="ZrO2", transmission=np.array([energies, energies**-0.5])
    )
    np.testing.assert_allclose(tabled.atomic_percent, table.atomic_percent, rtol=1e-5)
    spectra = {
        r: s.assign(transmission=("binding_energy", (1486.6 - s.binding_energy.values) ** -0.5, {"units": "1"}))
        for r, s in sample().items()
    }
    stated = ss.xps.quantify(found, library=library, mean_free_path="ZrO2", transmission=spectra)
    np.testing.assert_allclose(stated.atomic_percent, table.atomic_percent, rtol=1e-5)
    average = ss.xps.quantify(found, library=library, mean_free_path="average")
    assert average.attrs["mean_free_path"] == "average"


def test_an_element_that_is_not_there_has_a_limit_and_no_number() -> None:
    table = ss.xps.quantify(three())
    assert table.detected.values.tolist() == [True, True, False]
    assert np.isnan(table.atomic_percent.sel(region="P 2p"))
    assert float(table.atomic_percent.sum()) == pytest.approx(100.0)
    limit = float(table.upper_limit.sel(region="P 2p"))
    assert 0 < limit < 5
    assert np.isnan(table.upper_limit.sel(region="Zr 3d"))
    without = ss.xps.quantify({k: v for k, v in three().items() if k != "P 2p"})
    np.testing.assert_allclose(table.atomic_percent.values[:2], without.atomic_percent.values)
    stricter = ss.xps.quantify(three(), level=0.99)
    assert float(stricter.upper_limit.sel(region="P 2p")) > limit


def test_the_limit_is_kept_as_often_as_it_says() -> None:
    """A true area of one standard uncertainty: not detected, and below the limit of 95 % in 95 % or more."""
    found, rng = three(), np.random.default_rng(2)
    unc, truth = 40.0, 40.0
    exact = ss.xps.quantify(
        {**found, "P 2p": areas_replaced(found["P 2p"].assign(verdict=xr.DataArray("ok")), truth, 1e-3)}
    )
    share = float(exact.atomic_percent.sel(region="P 2p"))
    kept = []
    for _ in range(200):
        drawn = max(truth + unc * rng.standard_normal(), 0.0)
        table = ss.xps.quantify({**found, "P 2p": areas_replaced(found["P 2p"], drawn, unc)})
        if not bool(table.detected.sel(region="P 2p")):
            kept.append(float(table.upper_limit.sel(region="P 2p")) >= share)
    assert len(kept) > 150
    assert np.mean(kept) >= 0.95


def test_nothing_detected_is_refused() -> None:
    with pytest.raises(NotDeterminedError, match="no element"):
        ss.xps.quantify({"P 2p": three()["P 2p"]})


def test_satellites_and_auger_lines_do_not_count() -> None:
    found = fits()
    plain = ss.xps.quantify(found)
    lines = found["Zr 3d"].line.values.astype("<U12")
    assert plain.sizes["region"] == 2
    for label in ("Zr 3d5/2 sat", "Zr MNN", "Zr L3M45N1"):
        extra = found["Zr 3d"].copy(deep=True).assign_coords(line=("component", np.array([lines[0], label])))
        table = ss.xps.quantify({**found, "Zr 3d": extra})
        first = float(found["Zr 3d"].area.values[0]) / 40.0 / 0.05
        assert float(table.area.sel(region="Zr 3d")) == pytest.approx(first)
        assert float(table.sensitivity.sel(region="Zr 3d")) == pytest.approx(
            ss.reference.sensitivity("scofield", "Zr 3d5/2")
        )
        normal = ss.xps.normalise({**found, "Zr 3d": extra})
        assert float(normal.normalised_area.sel(region="Zr 3d")) == pytest.approx(1.0)


@pytest.mark.data
def test_casaxps_divides_by_factor_and_transmission_of_the_file(data_dir: Path) -> None:
    """CasaXPS's own percentages of Fe 2p in FeO: area / (16.42 T), T as the VAMAS file states it."""
    folder = data_dir / "xps" / "casa_fit_FeO"
    spectrum = ss.read(folder / "FeO_analyzed.vms")
    lines = (folder / "FeO_analyzed_results.csv").read_text(encoding="utf-8").splitlines()
    rows = np.array([[float(x) for x in line.split("\t")[1:6]] for line in lines if line.startswith("Fe 2p\t7")])
    place, area, corrected, percent = rows[:, 0], rows[:, 2], rows[:, 3], rows[:, 4]
    photon = np.full(4, spectrum.attrs["photon_energy"])
    passed = transmission_at({"Fe 2p": spectrum}, ("Fe 2p",) * 4, photon - place, photon)
    amounts = area / (16.42 * passed)
    np.testing.assert_allclose(amounts, corrected, rtol=2e-5)
    np.testing.assert_allclose(100 * amounts / amounts.sum(), percent, atol=0.0051)


def test_bad_options_are_refused() -> None:
    found = fits()
    for options, words in (
        ({"uncertainties": {"sensitivty": 0.1}}, "sensitivity"),
        ({"uncertainties": {"sensitivity": -0.1}}, "sensitivity"),
        ({"uncertainties": {"mean_free_path_correlation": 1.5}}, "correlation"),
        ({"uncertainties": [0.1]}, "mapping"),
        ({"uncertainties": {"sensitivity": 0.1}, "library_unc": 0.1}, "twice"),
        ({"level": 1.0}, "level"),
        ({"transmission": [[1.0, 2.0, 3.0]]}, "transmission"),
        ({"transmission": [[100.0, 200.0], [1.0, 1.0]]}, "line lies at"),
        ({"transmission": [[100.0, 2000.0], [1.0, -1.0]]}, "positive"),
        ({"transmission": sample()}, "no spectrum with a transmission"),
        ({"mean_free_path": "unobtainium"}, "material"),
    ):
        with pytest.raises(InputError, match=words):
            ss.xps.quantify(found, **options)


class TestSeveralElementsInOneWindow:
    """B 1s beside Zr 3d (simulated): one fit, two rows, and the covariance between them."""

    def both(self, seed: int = 0) -> xr.Dataset:
        e = np.arange(175.0, 199.0, 0.1)
        lines = ((182.5, 9000.0), (184.91, 6000.0), (191.1, 1500.0))
        y = 300 + sum(a * voigt_profile(e - c, 0.55, 0.1) for c, a in lines)
        counts = np.random.default_rng(seed).poisson(y)
        attrs = {"photon_energy": 1486.6, "dwell_time": 0.05, "scans": 20}
        return ss.xps.fit(ss.spectrum(e, counts, technique="XPS", region="B 1s", **attrs), "B 1s")

    def test_each_element_has_its_row(self) -> None:
        fit = self.both()
        table = ss.xps.normalise({"B 1s": fit}, to="Zr 3d5/2")
        assert table.region.values.tolist() == ["B 1s", "Zr 3d"]
        core = fit.area.values
        np.testing.assert_allclose(table.normalised_area, [core[0] / core[1], 5 / 3], rtol=1e-9)
        c = fit.area_covariance.values
        expected = c[0, 0] / core[1] ** 2 + core[0] ** 2 * c[1, 1] / core[1] ** 4 - 2 * core[0] * c[0, 1] / core[1] ** 3
        assert float(table.normalised_area_unc[0]) == pytest.approx(expected**0.5, rel=1e-6)
        assert float(table.normalised_area_unc[1]) < 1e-9

    def test_percentages_keep_the_covariance(self) -> None:
        fit = self.both()
        table = ss.xps.quantify({"B 1s": fit})
        assert table.element.values.tolist() == ["B", "Zr"]
        assert float(table.atomic_percent.sum()) == pytest.approx(100.0)
        assert float(table.atomic_percent_unc[0]) == pytest.approx(float(table.atomic_percent_unc[1]), rel=1e-6)

    def test_a_level_in_two_windows_is_refused(self) -> None:
        fit = self.both()
        with pytest.raises(InputError, match="two fits hold"):
            ss.xps.normalise({"B 1s": fit, "Zr 3d": fit}, to="Zr 3d5/2")


def test_numbers_that_cannot_be_are_refused_by_name() -> None:
    found = fits()
    ragged = ([1500.0, 100.0], [1.0])
    for options, words in (
        ({"energy_exponent": -500}, "energy_exponent is -500"),
        ({"energy_exponent": 1e6}, "from -10 to 10"),
        ({"energy_exponent": "a"}, "energy_exponent is 'a'"),
        ({"library_unc": "a"}, "library_unc is 'a'"),
        ({"library_unc": -0.1}, "library_unc is -0.1"),
        ({"level": "a"}, "level is 'a'"),
        ({"level": 1.0}, "level is 1.0"),
        ({"transmission": "foo"}, "transmission is 'foo'"),
        ({"transmission": 1e6}, "transmission is 1000000.0"),
        ({"transmission": lambda e: e}, "no exponent and no table"),
        ({"transmission": ragged}, "no exponent and no table"),
        ({"transmission": True}, "transmission is True"),
    ):
        with pytest.raises(InputError, match=words):
            ss.xps.quantify(found, **options)


def test_what_is_no_fit_of_a_region_is_refused() -> None:
    spectra, found = sample(), fits()
    for quantity in (ss.xps.quantify, ss.xps.normalise):
        with pytest.raises(InputError, match="Zr 3d: this is a spectrum, and a fit is needed"):
            quantity(spectra)
        with pytest.raises(InputError, match="a single Dataset"):
            quantity(found["Zr 3d"])
    with pytest.raises(InputError, match="a spectrum"):
        by_element(spectra)


def test_a_photon_energy_that_is_not_known_is_called_so() -> None:
    found = fits()
    for fit in found.values():
        del fit.attrs["photon_energy"]
    with pytest.raises(InputError, match="the photon energy is not known"):
        ss.xps.quantify(found)
    low = {name: fit.assign_attrs(photon_energy=100.0) for name, fit in found.items()}
    with pytest.raises(InputError, match="is 100 eV and the line lies at 18"):
        ss.xps.quantify(low, library={"Zr 3d": 7.0, "Na 1s": 8.0})
