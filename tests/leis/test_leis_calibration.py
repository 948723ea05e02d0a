"""Geometry and energy scale from known peaks: covariance, degeneracy, priors, fits, and measured area scans."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray

from surfspec import leis, schema, spectra
from surfspec.errors import GeometryError, InputError

Array = NDArray[np.float64]

TRUTH: dict[str, Any] = {"energy": 972.6, "angle": 107.1}
METALS = ("Ni", "Pd", "Au")


def peaks(names: tuple[str, ...], unc: float = 0.5) -> dict[str, tuple[float, float]]:
    return {name: (leis.elastic_energy(name, **TRUTH), unc) for name in names}


def test_two_peaks_are_flagged_and_three_are_not() -> None:
    three = leis.calibrate(peaks(METALS), energy=1000.0, angle=110.0)
    schema.check(three, "table")
    assert int(three.degenerate) == 0
    assert three.attrs["degeneracy"] == ""
    for left_out in METALS:
        two = leis.calibrate(peaks(tuple(name for name in METALS if name != left_out)), energy=1000.0, angle=110.0)
        assert int(two.degenerate) == 1, left_out
        assert "nothing checks the answer" in two.attrs["degeneracy"]
        assert two.redundancy.values == pytest.approx([0.0, 0.0], abs=1e-9)
        # an error in a peak of two is never seen: it all goes into the geometry
        assert np.max(np.abs(two.residual.values)) < 1e-6


def test_neighbours_of_heavy_mass_are_told_apart_by_correlation() -> None:
    heavy = leis.calibrate(peaks(("Pt", "Au", "Pb")), energy=972.6, angle=107.1, free=("energy", "angle", "offset"))
    assert int(heavy.degenerate) == 1
    assert "cannot be told apart" in heavy.attrs["degeneracy"]


def test_redundancy_is_the_part_of_an_error_that_shows() -> None:
    clean = leis.calibrate(peaks(METALS), **TRUTH)
    for index, name in enumerate(METALS):
        wrong = peaks(METALS)
        wrong[name] = (wrong[name][0] + 0.01, 0.5)
        found = leis.calibrate(wrong, **TRUTH)
        shown = float(found.residual[index] - clean.residual[index]) / 0.01
        assert shown == pytest.approx(float(clean.redundancy[index]), abs=2e-3)
    assert float(clean.redundancy.sum()) == pytest.approx(1.0)


def test_uncertainties_that_are_too_small_are_told() -> None:
    wrong = peaks(METALS, 0.05)
    wrong["Pd"] = (wrong["Pd"][0] + 1.0, 0.05)
    found = leis.calibrate(wrong, **TRUTH)
    grown = {name: (pair[0], pair[1] * float(found.birge)) for name, pair in wrong.items()}
    assert float(found.birge) > 5
    assert float(leis.calibrate(grown, **TRUTH).chi2) == pytest.approx(1.0, rel=1e-6)
    assert np.isnan(leis.calibrate(peaks(("Ni", "Au")), **TRUTH).birge)


def test_a_prior_on_the_angle_lets_two_peaks_speak() -> None:
    found = leis.calibrate(peaks(("Ni", "Au")), energy=1000.0, angle=107.6, priors={"angle": 1.0})
    assert int(found.degenerate) == 0
    assert float(found.dof) == 1.0
    # information adds up: 1/u^2 of the peaks alone plus 1/u^2 of the prior
    alone = leis.calibrate(peaks(("Ni", "Au")), energy=1000.0, angle=107.6)
    expected = (float(alone.angle_unc) ** -2 + 1.0) ** -0.5
    assert float(found.angle_unc) == pytest.approx(expected, rel=0.01)
    # and the answer is the weighted mean of both
    mean = (float(alone.angle) * float(alone.angle_unc) ** -2 + 107.6) * expected**2
    assert float(found.angle) == pytest.approx(mean, abs=0.02)
    assert float(found.prior_pull.sel(parameter="angle")) == pytest.approx(float(found.angle) - 107.6)
    one = leis.calibrate(peaks(("Au",)), energy=1000.0, angle=107.6, priors={"angle": 0.2})
    assert float(one.angle_unc) == pytest.approx(0.2, rel=1e-3)


def test_a_prior_keeps_energy_and_gain_apart() -> None:
    found = leis.calibrate(
        peaks(METALS), energy=1000.0, angle=107.0, free=("energy", "angle", "gain"), priors={"gain": 1e-3}
    )
    assert float(found.gain) == pytest.approx(1.0, abs=1e-6)
    assert float(found.energy) == pytest.approx(972.6, abs=1e-3)
    assert float(found.energy_unc) > 0.97


def test_covariance_by_simulation() -> None:
    rng = np.random.default_rng(8)
    names = ("Ni", "Pd", "Au", "Si")
    true = np.array([pair[0] for pair in peaks(names).values()])
    drawn = []
    for _ in range(200):
        noisy = {name: (float(e), 0.5) for name, e in zip(names, true + rng.normal(0, 0.5, 4), strict=True)}
        one = leis.calibrate(noisy, energy=980.0, angle=107.0)
        drawn.append([float(one.energy), float(one.angle), *leis.calibrated_energies(one, ["Cu", "O"]).energy.values])
    spread = np.cov(np.array(drawn).T)
    clean = leis.calibrate(peaks(names), energy=980.0, angle=107.0)
    stated = clean.covariance.values[:2, :2]
    band = leis.calibrated_energies(clean, ["Cu", "O"])
    schema.check(band, "table")
    assert np.sqrt(np.diag(spread)[:2]) == pytest.approx(np.sqrt(np.diag(stated)), rel=0.15)
    correlation = stated[0, 1] / np.sqrt(stated[0, 0] * stated[1, 1])
    assert spread[0, 1] / np.sqrt(spread[0, 0] * spread[1, 1]) == pytest.approx(correlation, abs=0.1)
    assert np.sqrt(np.diag(spread)[2:]) == pytest.approx(band.energy_unc.values, rel=0.15)
    assert band.energy.values == pytest.approx(
        [leis.elastic_energy("Cu", **TRUTH), leis.elastic_energy("O", **TRUTH)], abs=1e-6
    )
    forbidden = leis.calibrated_energies(clean, ["H"])
    assert np.isnan(forbidden.energy[0])


def made_fit(name: str, shift: float = 0.0) -> xr.Dataset:
    """Fit a simulated peak of one element in a window of its own."""
    center = leis.elastic_energy(name, **TRUTH) + shift
    x = np.arange(center - 60.0, center + 60.0, 1.0)
    y = 2000.0 * np.exp(-0.5 * ((x - center) / 10.0) ** 2) + 50.0
    counts = np.random.default_rng(len(name)).poisson(y).astype(float)
    recipe = leis.Recipe(
        elements=(name,), energy=990.0, angle=109.0, window=(float(x[0]), float(x[-1])), low_energy_tail=False,
        sputter_tail=False, foot=False, lag=(), survival=(0.0, 0.0), acceptance=0.5, resolution=(0.005, 0.08),
        offset=(-40.0, 40.0),
    )  # fmt: skip
    return leis.fit(spectra.spectrum(x, counts, technique="LEIS", simulated="true"), recipe)


def test_fits_of_one_element_each_are_taken_as_they_are() -> None:
    fits = [made_fit(name) for name in METALS]
    found = leis.calibrate(fits, energy=990.0, angle=109.0)
    assert float(found.energy) == pytest.approx(972.6, abs=4 * float(found.energy_unc))
    assert float(found.angle) == pytest.approx(107.1, abs=4 * float(found.angle_unc))
    assert found.attrs["simulated"] == "true"
    for index, fit in enumerate(fits):
        assert float(found.measured[index]) == float(fit.center[0])
        assert float(found.measured_unc[index]) == float(fit.center_unc[0])
    mixed = leis.calibrate({"Ni": fits[0], "Au": (922.9, 0.5)}, energy=990.0, angle=109.0)
    assert mixed.element.values.tolist() == ["Ni", "Au"]
    with pytest.raises(InputError, match="called Pd is of Ni"):
        leis.calibrate({"Pd": fits[0]}, energy=990.0, angle=109.0, free=("energy",))
    with pytest.raises(InputError, match="twice"):
        leis.calibrate([fits[0], fits[0]], energy=990.0, angle=109.0)


def test_positions_that_are_tied_to_each_other_are_refused() -> None:
    x = np.arange(700.0, 1000.0, 1.0)
    counts = np.full(x.size, 50.0)
    for name in METALS:
        counts += 2000.0 * np.exp(-0.5 * ((x - leis.elastic_energy(name, **TRUTH)) / 10.0) ** 2)
    recipe = leis.Recipe(elements=METALS, **TRUTH, window=(710.0, 990.0), foot=False, lag=())
    fit = leis.fit(spectra.spectrum(x, np.round(counts), technique="LEIS", simulated="true"), recipe)
    with pytest.raises(InputError, match="no position of its own"):
        leis.calibrate(fit, energy=972.6, angle=107.1)


@pytest.mark.parametrize(
    "bad",
    [
        {"priors": {"angle": 0.0}}, {"priors": {"offset": 1.0}}, {"priors": {"tilt": 1.0}},
        {"free": ("energy", "energy")}, {"gain": -1.0}, {"offset": np.nan}, {"measured": {"Au": (923.0,)}},
        {"measured": {"Au": (923.0, -1.0)}}, {"measured": {"Xx": (923.0, 1.0), "Au": (923.0, 1.0)}},
        {"measured": [1.0, 2.0]}, {"ion": "84Kr"},
    ],
)  # fmt: skip
def test_bad_input_is_refused(bad: dict[str, object]) -> None:
    arguments: dict[str, object] = {"measured": peaks(METALS), "energy": 1000.0, "angle": 110.0, **bad}
    measured = arguments.pop("measured")
    with pytest.raises(InputError):
        leis.calibrate(measured, **arguments)  # type: ignore[arg-type]


def test_another_table_is_no_calibration() -> None:
    with pytest.raises(InputError, match="no calibration"):
        leis.calibrated_energies(leis.line_table(["O"]), ["O"])


def top(energy: Array, intensity: Array, guess: float) -> tuple[float, float]:
    """Return the maximum near a guess by a parabola of 24 eV, with its uncertainty."""
    near = np.abs(energy - guess) < 15
    center = float(energy[near][np.argmax(np.convolve(intensity, np.ones(9) / 9, "same")[near])])
    error = 1.0
    for _ in range(6):
        k = np.abs(energy - center) < 12
        p, cov = np.polyfit(energy[k] - center, intensity[k], 2, cov=True)
        center, error = center - p[1] / (2 * p[0]), float(np.sqrt(cov[1, 1]) / abs(2 * p[0]))
    return center, error


@pytest.mark.parametrize("pair", [("Ni", "Au"), ("Ni", "Pd"), ("Pd", "Au")])
def test_exchanged_elements_are_no_calibration(pair: tuple[str, str]) -> None:
    right = peaks(METALS)
    good = leis.calibrate(right, energy=1000.0, angle=110.0)
    assert (str(good.verdict.values), str(good.reasons.values)) == ("ok", "")
    a, b = pair
    wrong = leis.calibrate(right | {a: right[b], b: right[a]}, energy=1000.0, angle=110.0)
    schema.check(wrong, "table")
    assert str(wrong.verdict.values) == "check"
    assert "chi-square improbable" in str(wrong.reasons.values)
    if pair == ("Ni", "Au"):
        assert "at bound: angle" in str(wrong.reasons.values)


def test_what_speaks_against_a_calibration_is_named() -> None:
    # the beam has twice the energy of the start: the search ends half above it
    far = leis.calibrate(peaks(METALS), energy=TRUTH["energy"] / 2, angle=107.1)
    assert "at bound: energy" in str(far.reasons.values)
    two = leis.calibrate(peaks(("Ni", "Au")), energy=1000.0, angle=110.0)
    assert str(two.reasons.values).startswith("ambiguous: ")
    prior = leis.calibrate(peaks(METALS), energy=1000.0, angle=110.0, priors={"angle": 0.1})
    # the peaks have no errors, so that all of chi-square is the distance of the prior from what they say
    distance = -np.sqrt(float(prior.chi2))
    assert f"prior contradicted: angle ({distance:+.1f})" in str(prior.reasons.values)
    with pytest.raises(GeometryError, match="keV"):
        leis.calibrate(peaks(METALS), energy=1.0, angle=110.0)


def test_noise_of_the_stated_size_is_no_ground() -> None:
    rng = np.random.default_rng(3)
    names = ("Ni", "Cu", "Pd", "Ag", "Au")
    verdicts = []
    for _ in range(100):
        noisy = {name: (value + unc * rng.standard_normal(), unc) for name, (value, unc) in peaks(names).items()}
        verdicts.append(str(leis.calibrate(noisy, energy=1000.0, angle=110.0).verdict.values))
    assert verdicts.count("ok") >= 99


@pytest.mark.data
def test_five_measured_area_scans(data_dir: Path) -> None:
    files = sorted((data_dir / "leis" / "he_series_theta_probe_csv").glob("*grid13x13.csv"))
    if not files:
        pytest.skip("no measured area scans")
    assert len(files) == 5
    for file in files:
        table = np.genfromtxt(file, delimiter=",", skip_header=1)
        mean = np.nanmean(table[:, 1:], axis=1)
        measured = {
            name: top(table[:, 0], mean, guess) for name, guess in {"Ni": 815.0, "Pd": 882.0, "Au": 923.0}.items()
        }
        found = leis.calibrate(measured, energy=1000.0, angle=110.0)
        assert int(found.degenerate) == 0, file.name
        assert np.max(np.abs(found.residual.values)) <= 0.5, (file.name, found.residual.values)
        two = leis.calibrate({name: measured[name] for name in ("Ni", "Pd")}, energy=1000.0, angle=110.0)
        assert int(two.degenerate) == 1
        # palladium between the two others, weighed by them alone
        around = leis.calibrate({name: measured[name] for name in ("Ni", "Au")}, energy=1000.0, angle=110.0)
        energy, error = measured["Pd"]
        unknown = leis.candidates(
            [energy], energy=float(around.energy), angle=float(around.angle), resolution=0.01, loss=(0.0, 0.0),
            energy_unc=float(np.hypot(error, leis.calibrated_energies(around, ["Pd"]).energy_unc[0])),
        )  # fmt: skip
        assert str(unknown.candidate.values[0, 0]) == "Pd"
        assert float(unknown.mass[0]) == pytest.approx(106.42, abs=0.7)
