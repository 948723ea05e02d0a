"""Peak search and identification on simulated patterns (with Poisson noise) and on measured ones."""

from __future__ import annotations

import dataclasses
import functools
import json
import re

import numpy as np
import pytest
import xarray as xr

import surfspec as ss
from surfspec import errors, schema, xrd
from surfspec.xrd.amounts import weights
from surfspec.xrd.patterns.profile import Caglioti

CARDS = {phase.id: phase for phase in xrd.phases()}
X = np.arange(10.0, 80.0, 0.0334)
SODIUM = ("Na", "Zr", "Si", "P", "O")


def simulate(mixture, wavelength, *, seed=0, x=X, top=8000.0, strain=0.0):
    """Simulated pattern of a mixture in weight per cent, with background, line shifts and Poisson noise."""
    rng = np.random.default_rng(seed)
    y = np.zeros_like(x)
    for name, weight in mixture.items():
        phase = CARDS[name]
        shape = Caglioti(0.006, -0.004, 0.012, 0.5)
        y += xrd.pattern(phase, wavelength=wavelength, two_theta=x, profile=shape, zero=0.03, displacement=-0.02,
                         scale=weight / phase.density).intensity.values  # fmt: skip
    y = y * top / y.max() + 150.0 * (1 + 60.0 / x)
    return ss.spectrum(x, rng.poisson(y), technique="XRD", simulated="true")


def test_peaks_have_honest_uncertainties():
    """Pulls of position and area over 40 replicates of two lead lines."""
    x = np.arange(28.0, 40.0, 0.02)
    truth = xrd.pattern(CARDS["Pb_fcc"], wavelength="CuKa1", two_theta=x, scale=1.0)
    factor = 3000.0 / truth.intensity.values.max()
    pulls = []
    for seed in range(40):
        counts = np.random.default_rng(seed).poisson(100 + factor * truth.intensity.values)
        found = xrd.find_peaks(ss.spectrum(x, counts, technique="XRD"), wavelength="CuKa1")
        assert found.sizes["peak"] == 2
        assert schema.check(found, "table") is found
        offset = found.peak_two_theta.values - truth.reflection_two_theta.values
        area = found.area.values - factor * truth.area.values
        pulls.append([*(offset / found.peak_two_theta_unc.values), *(area / found.area_unc.values)])
    spread = np.std(np.array(pulls), axis=0)
    assert np.all((spread > 0.7) & (spread < 1.35))
    assert np.all(np.abs(np.mean(np.array(pulls), axis=0)[:2]) < 0.6)


def test_no_peaks_in_noise():
    counts = np.random.default_rng(3).poisson(500.0, X.size)
    assert xrd.find_peaks(ss.spectrum(X, counts, technique="XRD")).sizes["peak"] == 0


TWINS = {
    "D1 impurity": ({"NZSP_C2c": 96, "ZrO2_m": 4}, SODIUM),
    "D2 lead on electrolyte": ({"NZSP_C2c": 95, "Pb_fcc": 5}, (*SODIUM, "Pb", "C", "H")),
    "D3 after wetting": ({"NZSP_C2c": 80, "Na15Pb4": 10, "Na_bcc": 10}, (*SODIUM, "Pb", "C", "H")),
    "D5 x = 0.1": ({"NZSP_C2c": 94, "ZrO2_m": 6}, SODIUM),
    "D5 x = 0.3": ({"NZSP_C2c": 88, "ZrO2_m": 6, "ZrSiO4": 6}, SODIUM),
    "D7 cathode": ({"NZSP_C2c": 50, "Na3V2P3O12": 50}, (*SODIUM, "V")),
    "D9 pure": ({"NZSP_C2c": 100}, SODIUM),
}


@pytest.mark.parametrize("wavelength", ["CuKa1", "CuKa", "CoKa"])
@pytest.mark.parametrize("name", TWINS)
def test_simulated_twins_of_the_papers(name, wavelength):
    mixture, elements = TWINS[name]
    found = xrd.match(simulate(mixture, wavelength), wavelength=wavelength, elements=elements)
    assert set(found.phase.values) == set(mixture)
    assert np.all(found.probability > 0.6)
    for phase, fraction, unc in zip(
        found.phase.values, found.weight_fraction.values, found.weight_fraction_unc.values, strict=True
    ):
        assert abs(100 * fraction - mixture[phase]) < max(3 * 100 * unc, 0.5)
    assert not np.any(found.relative_intensity > 3.0)


def test_match_with_all_cards_as_candidates():
    found = xrd.match(simulate(TWINS["D5 x = 0.3"][0], "CuKa"), wavelength="CuKa")
    assert set(found.phase.values) == {"NZSP_C2c", "ZrO2_m", "ZrSiO4"}
    assert found.attrs["candidates"] > 80


def test_contributions_add_up_and_input_is_not_changed():
    ds = simulate({"ZrO2_m": 50, "ZrSiO4": 50}, "CuKa")
    before = ds.copy(deep=True)
    found = xrd.match(ds, wavelength="CuKa", elements=("Zr", "Si", "O"))
    assert ds.identical(before)
    total = found.background + found.contribution.sum("phase")
    assert np.array_equal(total.values, found.model.values)
    again = xrd.match(ds, wavelength="CuKa", elements=("Zr", "Si", "O"))
    assert again.identical(found)


def test_match_survives_netcdf(tmp_path):
    found = xrd.match(simulate({"ZrO2_m": 100}, "CuKa"), wavelength="CuKa", elements=("Zr", "O"))
    found.to_netcdf(tmp_path / "m.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "m.nc", engine="h5netcdf") as back:
        assert back.phase.values.tolist() == found.phase.values.tolist()
        assert np.array_equal(back.model.values, found.model.values)


def test_missing_phase_gives_unexplained_lines_and_no_invention():
    ds = simulate({"NZSP_C2c": 80, "ZrO2_m": 20}, "CuKa")
    candidates = [phase for phase in xrd.phases(elements=SODIUM) if phase.formula != "ZrO2"]
    found = xrd.match(ds, wavelength="CuKa", phases=candidates)
    assert set(found.phase.values) == {"NZSP_C2c"}
    assert str(found.verdict.values) == "check"
    assert "unknown phase likely" in str(found.reasons.values)
    assert np.min(np.abs(found.peak_two_theta.values - 28.17)) < 0.1


def test_noise_and_glass_name_no_phase():
    rng = np.random.default_rng(5)
    noise = ss.spectrum(X, rng.poisson(400.0, X.size), technique="XRD")
    glass = ss.spectrum(X, rng.poisson(200 + 2000 * np.exp(-(((X - 23) / 6) ** 2))), technique="XRD")
    for ds in (noise, glass):
        found = xrd.match(ds, wavelength="CuKa")
        assert found.sizes["phase"] == 0
        assert str(found.verdict.values) == "failed"


def test_nothing_fits():
    ds = simulate({"Pb_fcc": 100}, "CuKa")
    found = xrd.match(ds, wavelength="CuKa", phases=["quartz", "ZnO"])
    assert found.sizes["phase"] == 0
    assert "no phase" in str(found.reasons.values)


def test_absent_phase_has_a_detection_limit():
    """Row D4: lead is there, sodium carbonate is not, down to a stated limit."""
    found = xrd.match(simulate({"Pb_fcc": 100}, "CuKa"), wavelength="CuKa", elements=("Na", "Pb", "C", "O", "H"))
    assert found.phase.values.tolist() == ["Pb_fcc"]
    limit = float(found.detection_limit.sel(candidate="Na2CO3_gamma"))
    assert 0.01 < limit < 0.3
    mixed = simulate({"Pb_fcc": 100 * (1 - 2 * limit), "Na2CO3_gamma": 200 * limit}, "CuKa")
    seen = xrd.match(mixed, wavelength="CuKa", elements=("Na", "Pb", "C", "O", "H"))
    assert "Na2CO3_gamma" in seen.phase.values


def test_strained_cell_is_followed():
    """Na15Pb4 with a = 13.356 instead of the card's 13.316 angstrom, within the card's own uncertainty of 0.4 %."""
    real = dataclasses.replace(CARDS["Na15Pb4"], cell=(13.356, 13.356, 13.356, 90, 90, 90))
    y = xrd.pattern(real, wavelength="CuKa", two_theta=X, scale=1.0).intensity.values
    ds = ss.spectrum(X, np.random.default_rng(1).poisson(100 + 5000 * y / y.max()), technique="XRD")
    found = xrd.match(ds, wavelength="CuKa", elements=("Na", "Pb"))
    assert found.phase.values.tolist() == ["Na15Pb4"]
    assert float(found.strain[0]) == pytest.approx(0.003, abs=3e-4)


def test_series_is_matched_member_by_member():
    mixtures = [{"NZSP_C2c": 94, "ZrO2_m": 6}, {"NZSP_C2c": 88, "ZrO2_m": 6, "ZrSiO4": 6}]
    singles = [simulate(one, "CuKa", seed=i) for i, one in enumerate(mixtures)]
    series = ss.stack(singles, "sample", [0, 1])
    found = xrd.match(series, wavelength="CuKa", elements=SODIUM)
    assert schema.check(found, "match") is found
    assert found.weight_fraction.dims == ("sample", "phase")
    alone = xrd.match(singles[1], wavelength="CuKa", elements=SODIUM)
    one = found.isel(sample=1).sel(phase=alone.phase.values)
    assert np.allclose(one.weight_fraction, alone.weight_fraction)
    assert float(found.probability.isel(sample=0).sel(phase="ZrSiO4")) == 0.0


def test_wavelength_is_never_guessed():
    ds = simulate({"ZrO2_m": 100}, "CuKa")
    with pytest.raises(errors.InputError, match="wavelength is not known"):
        xrd.match(ds, elements=("Zr", "O"))
    known = ds.assign_attrs(wavelength_name="CuKa")
    assert xrd.match(known, elements=("Zr", "O")).attrs["wavelength_name"] == "CuKa"


@pytest.mark.parametrize("radiation", ["CuKa1", "CuKa"])
def test_data_tell_whether_ka2_is_in_the_beam(radiation):
    """A file that names only the Ka1 wavelength may hold both lines."""
    ds = simulate({"corundum": 100}, radiation).assign_attrs(wavelength=1.540598)
    assert xrd.match(ds, elements=("Al", "O")).attrs["wavelength_name"] == radiation


def test_bad_input_is_refused():
    ds = simulate({"ZrO2_m": 100}, "CuKa")
    with pytest.raises(errors.InputError, match="too few"):
        xrd.match(ds.isel(two_theta=slice(0, 30)), wavelength="CuKa")
    with pytest.raises(errors.InputError, match="consists of"):
        xrd.match(ds, wavelength="CuKa", elements=["Kr"])
    with pytest.raises(errors.InputError, match="constant"):
        xrd.match(ss.spectrum(X, np.full(X.size, 7.0), technique="XRD"), wavelength="CuKa")
    with pytest.raises(errors.InputError, match="no range"):
        xrd.Recipe(two_theta=(50.0, 20.0))


def test_report_is_json_with_the_agreed_keys():
    found = xrd.match(simulate({"NZSP_C2c": 96, "ZrO2_m": 4}, "CuKa"), wavelength="CuKa", elements=SODIUM)
    text = json.loads(json.dumps(xrd.report(found)))
    assert {"wavelength", "verdict", "phases", "unexplained"} <= set(text)
    keys = {
        "name",
        "formula",
        "space_group",
        "probability",
        "score",
        "weight_fraction",
        "weight_fraction_unc",
        "missing",
    }
    assert all(keys <= set(phase) for phase in text["phases"])


def test_weight_fractions_by_hand_and_microabsorption():
    w, covariance = weights.fractions(np.array([2.0, 1.0]), np.diag([0.0, 0.0]), np.array([3.0, 2.0]), 0.1)
    assert w.tolist() == [0.75, 0.25]
    assert np.sqrt(covariance[0, 0]) == pytest.approx(0.75 * 0.25 * 0.1 * np.sqrt(2))
    # Al2O3 for Cu Ka: mu/rho = 31.4 cm2/g (Hubbell & Seltzer, NIST XCOM total), photoabsorption a little less
    assert weights.absorption(CARDS["corundum"], 1.5406) == pytest.approx(31.4 * 3.99, rel=0.06)
    # Si 63.7 and Fe 304 cm2/g for Cu Ka (International Tables C, table 4.2.4.3, totals)
    assert weights.absorption(CARDS["Si"], 1.5406) == pytest.approx(63.7 * 2.329, rel=0.04)
    assert weights.absorption(CARDS["Fe"], 1.5406) == pytest.approx(304 * 7.874, rel=0.04)


def test_quantify_of_a_match():
    found = xrd.match(simulate({"ZrO2_m": 50, "ZrSiO4": 50}, "CuKa"), wavelength="CuKa", elements=("Zr", "Si", "O"))
    table = xrd.quantify(found)
    assert schema.check(table, "table") is table
    assert float(table.weight_fraction.sum()) == pytest.approx(1.0)
    assert np.allclose(table.weight_fraction_covariance.sum("phase_b"), 0.0, atol=1e-12)


def load(path):
    """Two columns of numbers, whatever else the file holds (independent of the readers)."""
    if path.suffix == ".xrdml":
        text = path.read_text(encoding="utf-8")
        counts = np.array(re.search(r"<(?:counts|intensities)[^>]*>([^<]*)<", text)[1].split(), dtype=float)
        ends = re.search(r'axis="2Theta".*?<startPosition>(.*?)<.*?<endPosition>(.*?)<', text, re.DOTALL)
        return ss.spectrum(np.linspace(float(ends[1]), float(ends[2]), len(counts)), counts, technique="XRD")
    rows = []
    for line in path.read_text(errors="replace").splitlines():
        parts = line.replace(",", " ").split()
        if len(parts) >= 2 and all(re.fullmatch(r"[-+0-9.eE]+", part) for part in parts[:2]):
            rows.append([float(part) for part in parts[:2]])
    table = np.array(rows)
    _, first = np.unique(table[:, 0], return_index=True)
    units = "counts" if "cpd" in path.name else "arb. units"
    return ss.spectrum(table[first, 0], table[first, 1], technique="XRD", units=units)


# weighed compositions in wt%: Madsen et al. (2001), Scarlett et al. (2002); precursor masses of the Dara data set
MIXTURES = {
    "cpd_qarr/cpd-1a.xy": {"corundum": 1.15, "ZnO": 4.04, "CaF2": 94.81},
    "cpd_qarr/cpd-1c.xy": {"corundum": 5.04, "ZnO": 93.59, "CaF2": 1.36},
    "cpd_qarr/cpd-1e.xy": {"corundum": 55.12, "ZnO": 15.25, "CaF2": 29.62},
    "cpd_qarr/cpd-1g.xy": {"corundum": 31.37, "ZnO": 34.21, "CaF2": 34.42},
    "cpd_qarr/cpd-2.xy": {"corundum": 21.27, "ZnO": 19.94, "CaF2": 22.53, "brucite": 36.26},
    "dara_precursor/Li2CO3_0p9001-ZrO2_0p1000--8min.xrdml": {"Li2CO3": 90.0, "ZrO2_m": 10.0},
    "dara_precursor/V2O5_0p8011-ZrO2_0p2012--8min.xrdml": {"V2O5": 79.9, "ZrO2_m": 20.1},
    "dara_precursor/V2O5_0p4005-NiO_0p6016--2min.xrdml": {"V2O5": 40.0, "NiO": 60.0},
    "dara_precursor/TiO2_0p4009-ZnO_0p6010--2min.xrdml": {"anatase": 40.0, "ZnO": 60.0},
    "dara_precursor/In2O3_0p3022-La(OH)3_0p5014-TiO2_0p2004--2min.xrdml": {
        "In2O3": 30.1,
        "LaO3H3": 49.9,
        "anatase": 20.0,
    },
    "rockjock/rockjock_HALITE.xy": {"halite": 100.0},
    "rruff/Quartz_R040031-1_Powder_RRUFF.txt": {"quartz": 100.0},
}


@functools.lru_cache(maxsize=32)
def matched(path):
    return xrd.match(load(path), wavelength="CuKa")


@pytest.mark.data
@pytest.mark.parametrize("name", MIXTURES)
def test_measured_mixtures_with_all_cards(name, data_dir):
    assert set(matched(data_dir / "xrd" / name).phase.values) == set(MIXTURES[name])


SHORT = "dara_precursor/Li2CO3_0p9001-ZrO2_0p1000--8min.xrdml"


@pytest.mark.data
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.xfail(strict=True, reason="0.89 stated for Li2CO3, 0.9 wanted"))
        if name == SHORT
        else name
        for name in MIXTURES
    ],
)
def test_measured_mixtures_are_sure(name, data_dir):
    assert np.all(matched(data_dir / "xrd" / name).probability > 0.9)


@pytest.mark.data
def test_round_robin_weight_fractions(data_dir):
    """CPD sample 1 within 3 wt% of the weighed values, and the stated uncertainties cover them (pull below 2.5)."""
    errors_, pulls = [], []
    for name in [name for name in MIXTURES if "cpd-1" in name]:
        found = xrd.match(load(data_dir / "xrd" / name), wavelength="CuKa", elements=("Al", "O", "Zn", "Ca", "F"))
        for phase, weight in MIXTURES[name].items():
            row = found.sel(phase=phase)
            errors_.append(100 * float(row.weight_fraction) - weight)
            pulls.append(errors_[-1] / (100 * float(row.weight_fraction_unc)))
    assert np.max(np.abs(errors_)) < 3.0
    assert np.max(np.abs(pulls)) < 2.5


@pytest.mark.data
def test_coarse_absorbing_sample_is_flagged(data_dir):
    """CPD sample 4 breaks every quantification by microabsorption: the fractions must not pass as good."""
    found = xrd.match(
        load(data_dir / "xrd/cpd_qarr/cpd-4.xy"), wavelength="CuKa", elements=("Al", "O", "Fe", "Zr", "Si")
    )
    assert {"corundum", "ZrSiO4", "magnetite"} <= set(found.phase.values)
    assert "microabsorption" in str(found.reasons.values)
    assert str(found.verdict.values) == "check"


def test_a_wavelength_that_contradicts_the_file_is_named():
    made = simulate({"Pb_fcc": 100}, "CuKa1")
    told = made.assign_attrs(wavelength=1.540598)
    wrong = xrd.match(told, phases=["Pb_fcc"], wavelength=1.78897)
    assert wrong.verdict.item() != "ok"
    assert "ambiguous: the file says 1.5406 angstrom, 1.789 was asked" in str(wrong.reasons.values)
    for right in (told, made):
        assert "the file says" not in str(xrd.match(right, phases=["Pb_fcc"], wavelength="CuKa1").reasons.values)


def test_what_is_mostly_unexplained_gives_no_sure_phase_and_no_weights():
    mixture = simulate({"halite": 4, "corundum": 60, "ZrO2_m": 36}, "CuKa1")
    found = xrd.match(mixture, phases=["halite", "Pb_fcc"], wavelength="CuKa1")
    assert found.attrs["unexplained_share"] > 0.8
    assert found.phase.values.tolist() == ["halite"]
    assert found.probability.item() == pytest.approx(1.5 - found.attrs["unexplained_share"])
    assert np.isnan(found.weight_fraction_unc.values).all()
    assert "weight fractions have no uncertainty" in str(found.reasons.values)
    assert "ambiguous: halite has probability" in str(found.reasons.values)
    table = xrd.quantify(found)
    assert np.isnan(table.weight_fraction_unc.values).all()
    assert "no uncertainty" in table.attrs["reasons"]
    assert xrd.report(found)["phases"][0]["weight_fraction_unc"] is None
    whole = xrd.match(mixture, phases=["halite", "corundum", "ZrO2_m"], wavelength="CuKa1")
    assert np.isfinite(whole.weight_fraction_unc.values).all()
    assert whole.probability.values.min() > 0.95


def test_a_faint_line_without_a_phase_is_no_ok():
    zircon = simulate({"ZrSiO4": 97, "corundum": 3}, "CuKa1", top=40000.0)
    found = xrd.match(zircon, elements=["Zr", "Si", "O"], wavelength="CuKa1")
    assert found.phase.values[0] == "ZrSiO4"
    assert 0 < found.relative_intensity.values.max() < 3.0
    assert found.verdict.item() == "check"
    assert re.search(
        r"unknown phase likely: \d+ lines? unexplained at .* deg, the strongest", str(found.reasons.values)
    )
