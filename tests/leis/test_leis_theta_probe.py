"""Measured He+ spectra of a Theta Probe: four series of Ag on Cu beside the vendor's areas, and five area scans.

Nobody knows the truth here. The vendor's areas rest on another background, and what the background moves is measured:
the survival of in-depth ions is not determined in a window of 170 eV, and the Ag areas follow it by some per cent.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray
from scipy.optimize import curve_fit

from surfspec import leis, spectra
from surfspec.leis.collisions.width import AcceptanceShape

Array = NDArray[np.float64]

pytestmark = pytest.mark.data

SERIES = {
    "400K_round1": "continuous_400K_round1",
    "400K_round2": "continuous_400K_round2",
    "ramp_round1": "continuous_ramp400-600K_round1",
    "ramp_round2": "continuous_ramp400-600K_round2",
}
#: Backgrounds: the usual one, in-depth ions that all survive, plural scattering.
BACKGROUNDS: dict[str, dict[str, Any]] = {"usual": {}, "flat": {"survival": (0.0, 0.0)}, "foot": {"foot": True}}
SCANS = ("400_K_LEIS", "500_K_LEIS_1st_round", "500_K_LEIS_2nd_round", "600_K_LEIS_1st_round", "600_K_LEIS_2nd_round")
SHAPES: tuple[AcceptanceShape, ...] = ("gaussian", "box", "cone")
INSTRUMENT = ("offset", "resolution", "acceptance", "survival", "tail")


@pytest.fixture(scope="module")
def folder(data_dir: Path) -> Path:
    folder = data_dir / "leis" / "he_series_theta_probe_csv"
    if not folder.is_dir():
        pytest.skip(f"no measured He+ series in {folder}")
    return folder


def table(path: Path) -> tuple[Array, Array]:
    """Return energies (n,) and rates (m, n)."""
    numbers = np.genfromtxt(path, delimiter=",", skip_header=1)
    return numbers[:, 0], numbers[:, 1:].T


def top(energy: Array, intensity: Array, guess: float) -> tuple[float, float]:
    """Return the maximum beside `guess` by a parabola over 24 eV, with its uncertainty."""
    near = np.abs(energy - guess) < 15
    center = float(energy[near][np.argmax(np.convolve(intensity, np.ones(9) / 9, "same")[near])])
    error = 1.0
    for _ in range(6):
        k = np.abs(energy - center) < 12
        p, cov = np.polyfit(energy[k] - center, intensity[k], 2, cov=True)
        center, error = float(center - p[1] / (2 * p[0])), float(np.sqrt(cov[1, 1]) / abs(2 * p[0]))
    return center, error


def geometry(energy: Array, rates: Array, guesses: dict[str, float]) -> xr.Dataset:
    mean = rates.mean(axis=0)
    return leis.calibrate(
        {name: top(energy, mean, guess) for name, guess in guesses.items()}, energy=980.0, angle=107.0
    )


def through_the_mean(
    energy: Array, series: xr.Dataset, mean: Array, recipe: leis.Recipe
) -> tuple[xr.Dataset, xr.Dataset]:
    """Find the instrument on the mean of all spectra, keep it, and fit every member; return both fits."""
    whole = leis.fit(spectra.spectrum(energy, mean, technique="LEIS", units="counts/s"), recipe)
    found = {name: float(whole["value"].sel(parameter=name)) for name in INSTRUMENT}
    return whole, leis.fit(series, recipe.with_instrument(found))


@pytest.fixture(scope="module")
def silver(folder: Path) -> dict[tuple[str, str], tuple[Array, Array, xr.Dataset]]:
    """Return for each series and background the vendor's areas, ours, and the fit of the mean."""
    energy, rates = table(folder / "continuous_400K_round1_counts_per_s.csv")
    found = geometry(energy, rates, {"Cu": 837.0, "Ag": 893.0})
    assert int(found.degenerate) == 1  # two peaks cannot tell energy from angle
    out = {}
    for name, file in SERIES.items():
        energy, rates = table(folder / f"{file}_counts_per_s.csv")
        vendor = np.genfromtxt(folder / f"vendor_areas_{name}.csv", delimiter=",", skip_header=1)[:, 1:]
        series = spectra.spectrum(energy, rates, technique="LEIS", units="counts/s", dims=("time",))
        for background, options in BACKGROUNDS.items():
            usual: dict[str, Any] = {"survival": (0.0, 600.0), "foot": False} | options
            recipe = leis.Recipe(
                elements=("Cu", "Ag"), energy=float(found.energy), angle=float(found.angle), window=(780.0, 950.0),
                acceptance=(0.5, 30.0), lag=(), **usual,
            )  # fmt: skip
            whole, fit = through_the_mean(energy, series, rates.mean(axis=0), recipe)
            assert not np.any(fit.verdict.values == "failed")
            out[name, background] = (vendor, fit.area.sel(component=["Cu", "Ag"]).values, whole)
    return out


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_decay_of_silver(silver: dict[tuple[str, str], tuple[Array, Array, xr.Dataset]], background: str) -> None:
    vendor, ours, _ = silver["400K_round1", background]

    def decay(areas: Array) -> tuple[float, float]:
        index = np.arange(areas.size, dtype=np.float64)
        best, cov = curve_fit(lambda k, a, q, c: a * np.exp(-q * k) + c, index, areas, (2e5, 0.17, 4e4))
        return float(best[1]), float(np.sqrt(cov[1, 1]))

    theirs, mine = decay(vendor[:, 1]), decay(ours[:, 1])
    assert theirs[0] == pytest.approx(0.1689, abs=0.0005)
    assert mine[0] == pytest.approx(0.169, abs=0.010)
    assert abs(mine[0] - theirs[0]) < mine[1]


def test_areas_of_silver_follow_the_background(
    silver: dict[tuple[str, str], tuple[Array, Array, xr.Dataset]],
) -> None:
    ratio = {key: float(np.mean(ours[:, 1] / vendor[:, 1])) for key, (vendor, ours, _) in silver.items()}
    for name in ("400K_round1", "400K_round2", "ramp_round1"):
        each = [ratio[name, background] for background in BACKGROUNDS]
        # no background is nearest in all series; all of them lie within 5 % of the vendor's
        assert max(abs(one - 1.0) for one in each) < 0.05, name
        assert max(each) - min(each) > 0.02, name
        assert min(abs(one - 1.0) for one in each) < 0.02, name


def test_areas_of_copper_are_lower_than_the_vendors(
    silver: dict[tuple[str, str], tuple[Array, Array, xr.Dataset]],
) -> None:
    for (name, background), (vendor, ours, _) in silver.items():
        assert 0.90 < np.mean(ours[:, 0] / vendor[:, 0]) < 0.96, (name, background)


def test_copper_without_silver_at_first(silver: dict[tuple[str, str], tuple[Array, Array, xr.Dataset]]) -> None:
    vendor, ours, _ = silver["ramp_round2", "usual"]
    assert np.all(vendor[:5, 1] < 500.0)
    # nearer to the vendor's than three thousandths of the copper peak
    assert abs(np.mean(ours[:5, 1] - vendor[:5, 1])) < 0.003 * np.mean(ours[:5, 0])
    # and both see it come back with temperature
    for areas in (vendor, ours):
        assert np.mean(areas[-6:, 1]) > 3 * np.mean(areas[:6, 1])


def test_the_survival_is_not_determined_by_a_narrow_window(folder: Path) -> None:
    energy, rates = table(folder / "continuous_400K_round2_counts_per_s.csv")
    recipe = leis.Recipe(
        elements=("Cu", "Ag"), energy=979.6, angle=104.3, window=(780.0, 950.0), low_energy_tail=False,
        acceptance=(0.5, 30.0), survival=(0.0, 600.0), foot=False, lag=(),
    )  # fmt: skip
    series = spectra.spectrum(energy, rates, technique="LEIS", units="counts/s", dims=("time",))
    fit = leis.fit(series, recipe, shared=("offset", "resolution", "acceptance", "survival"))
    told = fit.sel(shared="survival")
    unc = float(told.shared_value_unc)
    assert not unc < 300.0  # half of its range, or unknown
    assert float(fit.sel(shared="resolution").shared_value_unc) < 0.002
    assert not np.any(fit.verdict.values == "failed")


@pytest.fixture(scope="module")
def scans(folder: Path) -> dict[str, tuple[xr.Dataset, xr.Dataset, xr.Dataset]]:
    """Return for each scan the geometry, the fit of the mean and that of the members."""
    out = {}
    for name in SCANS:
        energy, rates = table(folder / f"{name}_grid13x13.csv")
        found = geometry(energy, rates, {"Ni": 815.0, "Pd": 882.0, "Au": 923.0})
        recipe = leis.Recipe(
            elements=("Ni", "Pd", "Au"), energy=float(found.energy), angle=float(found.angle), window=(745.0, 960.0),
            acceptance=(0.5, 30.0), survival=(0.0, 600.0), foot=False, lag=(),
        )  # fmt: skip
        grid = rates.reshape(13, 13, -1)
        series = spectra.spectrum(energy, grid, technique="LEIS", units="counts/s", dims=("x", "y"))
        out[name] = (found, *through_the_mean(energy, series, rates.mean(axis=0), recipe))
    return out


def test_geometry_of_every_scan(scans: dict[str, tuple[xr.Dataset, xr.Dataset, xr.Dataset]]) -> None:
    for name, (found, _, _) in scans.items():
        assert np.max(np.abs(found.residual.values)) <= 0.5, name
        assert float(found.energy) == pytest.approx(971.6, abs=1.0), name
        assert float(found.angle) == pytest.approx(106.6, abs=0.7), name


def test_composition_of_every_scan(scans: dict[str, tuple[xr.Dataset, xr.Dataset, xr.Dataset]]) -> None:
    for name, (_, whole, fit) in scans.items():
        assert fit.area.shape == (13, 13, 3)
        assert not np.any(fit.verdict.values == "failed"), name
        assert bool(np.isfinite(fit.area_unc).all()), name
        # rates without dwell time, and peaks that a wide lens makes flatter than any Gaussian: never "ok"
        assert bool(fit.reasons.str.contains("statistics unknown").all()), name
        assert bool(fit.reasons.str.contains("residual structure").all()), name
        misfit = np.sqrt(((fit.intensity - fit.model) ** 2).mean("kinetic_energy")) / fit.intensity.max(
            "kinetic_energy"
        )
        assert float(misfit.median()) < 0.02, name
        assert float(misfit.max()) < 0.035, name
        # an area goes with the counts around the line, and the mean of the members with the mean spectrum
        energy = fit.kinetic_energy
        for element in ("Ni", "Pd", "Au"):
            area = fit.area.sel(component=element)
            center = float(fit.center.sel(component=element).mean())
            raw = fit.intensity.where(abs(energy - center) < 6.0, drop=True).sum("kinetic_energy")
            assert np.corrcoef(area.values.ravel(), raw.values.ravel())[0, 1] > 0.99, (name, element)
            mean = float(whole.area.sel(component=element))
            assert float(area.mean()) == pytest.approx(mean, rel=0.05), (name, element)


def test_nickel_leaves_the_surface_with_temperature(
    scans: dict[str, tuple[xr.Dataset, xr.Dataset, xr.Dataset]],
) -> None:
    share = {}
    for name, (_, _, fit) in scans.items():
        total = fit.area.sum("component")
        share[name] = float((fit.area.sel(component="Ni") / total).mean())
    order = [share[name] for name in SCANS]
    assert order[0] > order[2] > order[3] > order[4]


@pytest.fixture(scope="module")
def means(folder: Path) -> dict[str, tuple[Array, Array, leis.Recipe]]:
    """Return energies, mean rates and recipe of every scan and series."""
    out = {}
    for name in SCANS:
        energy, rates = table(folder / f"{name}_grid13x13.csv")
        found = geometry(energy, rates, {"Ni": 815.0, "Pd": 882.0, "Au": 923.0})
        usual = leis.Recipe(
            elements=("Ni", "Pd", "Au"), energy=float(found.energy), angle=float(found.angle), window=(745.0, 960.0),
            acceptance=(0.5, 40.0), survival=(0.0, 600.0), foot=False, lag=(),
        )  # fmt: skip
        out[name] = (energy, rates.mean(axis=0), usual)
    for name, file in SERIES.items():
        energy, rates = table(folder / f"{file}_counts_per_s.csv")
        usual = leis.Recipe(
            elements=("Cu", "Ag"), energy=979.6, angle=104.3, window=(780.0, 950.0), acceptance=(0.5, 40.0),
            survival=(0.0, 600.0), foot=False, lag=(),
        )  # fmt: skip
        out[name] = (energy, rates.mean(axis=0), usual)
    return out


def test_a_round_aperture_leaves_least(means: dict[str, tuple[Array, Array, leis.Recipe]]) -> None:
    opening = []
    for name, (energy, mean, usual) in means.items():
        spectrum = spectra.spectrum(energy, mean, technique="LEIS", units="counts/s")
        fits = {shape: leis.fit(spectrum, replace(usual, acceptance_shape=shape)) for shape in SHAPES}
        gaussian, box, cone = (float(fits[shape].chi2) for shape in SHAPES)
        # as many parameters in each
        assert cone < box < gaussian, name
        assert cone < 0.85 * gaussian, name
        opening.append(float(fits["cone"]["value"].sel(parameter="acceptance")))
        # better, not good: the positions of three metals agree with the kinematics to some 0.8 eV only
        if name in SCANS:
            assert "residual structure" in str(fits["cone"].reasons.values)
    # one lens: the same opening in all nine, on five elements
    assert np.mean(opening) == pytest.approx(20.7, abs=0.7)
    assert np.std(opening) < 1.0
