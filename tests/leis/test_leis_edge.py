"""Thickness from the in-depth edge: stopping against published numbers, the law both ways, simulated overlayers."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.stats import norm
from scipy.stats import t as student

from surfspec import leis, schema, spectra
from surfspec.errors import InputError
from surfspec.leis.film import edge_calibration, edge_lag, edge_mixture, stopping
from surfspec.leis.film.edge_law import EdgeLaw
from surfspec.leis.model import SpectrumModel

Array = NDArray[np.float64]

RECIPE = leis.Recipe(elements=("O", "Na", "P", "Zr"), foot=False)
ENERGY = np.arange(885.0, 2855.0, 5.0)
PHOSPHATE = stopping.film_material("Na3PO4", 2.536)


def expected(lag: float, zirconium: float = 0.0, shoulder: float = 800.0) -> Array:
    model = SpectrumModel(RECIPE, ENERGY)
    known = {"offset": 2.0, "resolution": 0.022, "survival": 100.0, "tail": 8.0, "Zr lag": lag, "constant": 0.5,
             "O area": 6e4, "Na area": 7e4, "P area": 5e4, "Zr area": zirconium, "Zr shoulder": shoulder}  # fmt: skip
    return model.evaluate(np.array([known.get(parameter.name, 0.0) for parameter in model.parameters]))


def drawn(counts: Array, seed: int) -> xr.Dataset:
    return spectra.spectrum(ENERGY, np.random.default_rng(seed).poisson(counts), technique="LEIS", simulated="true")


def overlayer(lag: float, zirconium: float = 0.0, seed: int = 1, shoulder: float = 800.0) -> xr.Dataset:
    return drawn(expected(lag, zirconium, shoulder), seed)


def patches(share: float, seed: int, lag: float = 60.0) -> xr.Dataset:
    """Bare parts, whose own shoulder begins 20 eV below the peak, beside a film."""
    return drawn(share * expected(20.0, 2e5) + (1 - share) * expected(lag), seed)


def fit(*several: xr.Dataset, dim: str = "spot") -> xr.Dataset:
    return leis.fit(spectra.stack(list(several), dim), RECIPE)


def test_electronic_stopping_of_a_film() -> None:
    # 56 eV/nm for Zr under Na3PO4 at 0.8 of Lindhard and Scharff, 42 and 70 at 0.6 and 1.0
    for scale, expected in ((0.6, 42.0), (0.8, 56.0), (1.0, 70.0)):
        found = stopping.path_stopping(PHOSPHATE, "Zr", scale=scale, cut=0.0)
        assert found == pytest.approx(expected, abs=0.6)
    assert stopping.stopping_power(PHOSPHATE, 750.0, cut=0.0) == pytest.approx(
        0.5 * stopping.stopping_power(PHOSPHATE, 3000.0, cut=0.0), rel=1e-12
    )


def test_nuclear_stopping_against_the_universal_fit() -> None:
    # ZBL's fit to its own potential, S_n in eV/(1e15 atoms/cm2); the two potentials differ by some tens of percent
    for z, m in ((8, 15.999), (11, 22.99), (15, 30.974), (40, 91.22)):
        length = 2**0.23 + z**0.23
        reduced = 32.53 * m * 3.0 / (2 * z * (4.0026 + m) * length)
        sn = np.log(1 + 1.1383 * reduced) / (2 * (reduced + 0.01321 * reduced**0.21226 + 0.19593 * reduced**0.5))
        zbl = 8.462 * 2 * z * 4.0026 / ((4.0026 + m) * length) * sn * 10.0  # to eV angstrom2
        found = stopping.nuclear_cross_section(2, 4.0026, z, m, 3000.0)
        assert found == pytest.approx(zbl, rel=0.45)
        assert stopping.nuclear_cross_section(2, 4.0026, z, m, 3000.0, cut=50.0) < 0.6 * found


def test_the_cut_keeps_what_it_says() -> None:
    # the loss-weighted cross-section between two cuts is an integral over the losses between them
    most = 4 * 4.0026 * 15.999 / (4.0026 + 15.999) ** 2 * 3000.0
    parts = [stopping.nuclear_cross_section(2, 4.0026, 8, 15.999, 3000.0, cut=c) for c in (10.0, 200.0, most, 1e9)]
    assert parts[0] < parts[1] < parts[2]
    assert parts[2] == pytest.approx(parts[3], rel=1e-9)


def test_the_law_inverts_itself() -> None:
    law = EdgeLaw(20.0, 65.0, np.diag([25.0, 260.0]), depth=0.4, layer=0.238)
    for t in (0.1, 0.3, 0.71, 1.9):
        found, by_lag, by_law = law.thickness(law.lag(t), 2.0)
        assert found == pytest.approx(t, abs=1e-9)
        step = 1e-4
        assert by_lag == pytest.approx(2.0 * 2 * step / (law.lag(t + step) - law.lag(t - step)), rel=1e-3)
        assert by_law > 0
    assert law.thickness(-10.0, 2.0)[0] < 0


def test_uncertainty_of_the_law_by_drawing() -> None:
    rng = np.random.default_rng(3)
    law = EdgeLaw(20.0, 65.0, np.diag([25.0, 8.0**2]), depth=0.4, layer=0.238)
    lag = law.lag(0.7)
    drawn = []
    for _ in range(4000):
        q, s = rng.normal([20.0, 65.0], [5.0, 8.0])
        share = rng.uniform(0, law.never_neutral(0.7))
        drawn.append((lag - q * (1 - share)) / s + 0.119)
    assert law.thickness(lag, 0.0)[2] == pytest.approx(np.std(drawn), rel=0.12)


def test_scattered_lags_are_combined() -> None:
    rng = np.random.default_rng(5)
    pulls = []
    for _ in range(1000):
        unc = rng.uniform(1.0, 4.0, 8)
        mean, error, _ = edge_lag.combine(rng.normal(50.0, np.hypot(unc, 3.0)), unc)
        pulls.append((mean - 50.0) / error)
    # Student's interval of eight holds the truth as often as it says
    assert np.mean(np.abs(pulls) < student.ppf(0.975, 7)) == pytest.approx(0.95, abs=0.02)
    assert np.isnan(edge_lag.combine(np.array([np.nan]), np.array([1.0]))[0])


@pytest.mark.parametrize("count", [3, 4, 5, 12])
def test_a_line_through_few_films_holds_the_truth_as_often_as_it_says(count: int) -> None:
    """Calibrate with three to twelve films that scatter about the line by 3 eV, then measure one between them."""
    rng = np.random.default_rng(6)
    x, pulls = np.linspace(0.5, 2.0, count), []
    for _ in range(300):
        y = 15.0 + 62.0 * x + rng.normal(0, 3.0, count) + rng.normal(0, 1.0, count)
        best, covariance, scatter, _ = edge_calibration.straight_line(x, y, np.full(count, 1.0))
        law = EdgeLaw(best[0], best[1], covariance, scatter, thinnest=0.5, thickest=2.0)
        t, by_lag, by_law = law.thickness(15.0 + 62.0 * 1.3 + rng.normal(0, np.hypot(3.0, 1.0)), 1.0)
        pulls.append((t - 1.3) / np.hypot(by_lag, by_law))
    assert np.mean(np.abs(pulls) < 1.0) == pytest.approx(0.68, abs=0.08)
    assert np.std(pulls) < 1.3


def test_a_calibration_vouches_for_the_thicknesses_it_was_made_with() -> None:
    law = EdgeLaw(20.0, 60.0, np.zeros((2, 2)), thinnest=0.5, thickest=1.0)
    inside, thin, thick = (law.thickness(law.lag(t), 0.0)[2] for t in (0.75, 0.3, 2.0))
    assert inside == 0.0
    # another quarter of slope outside: on the way from 1 nm to 2 nm a quarter of a nanometre
    assert (thin, thick) == (pytest.approx(0.05, abs=1e-6), pytest.approx(0.25, abs=1e-6))


@pytest.fixture(scope="module")
def closed() -> xr.Dataset:
    return fit(*(overlayer(70.0, seed=i) for i in (1, 2, 3)))


def test_a_closed_film(closed: xr.Dataset) -> None:
    table = leis.thickness(closed, film="Na3PO4")
    assert abs(float(table.lag) - 70.0) < 3 * float(table.lag_unc)
    assert table.patches.item() == 0
    assert table.verdict.item() == "ok"
    # by hand: lag - 20 eV but for the ions never neutral, over the stopping, and half a layer of 0.2376 nm
    power = table.attrs["stopping"]
    t = float(table.thickness)
    left = float(table.lag) - 20.0 * (1 - 0.5 * np.exp(-t / 0.4))
    assert t == pytest.approx(left / power + 0.1188, abs=1e-3)
    squares = float(table.thickness_stat_unc) ** 2 + float(table.thickness_common_unc) ** 2
    assert float(table.thickness_unc) ** 2 == pytest.approx(squares)
    assert float(table.thickness_common_unc) / t == pytest.approx(0.21, abs=0.05)
    assert schema.check(table, "table").attrs["simulated"] == "true"


@pytest.fixture(scope="module")
def bare() -> xr.Dataset:
    return fit(*(overlayer(20.0, 2e5, seed=i) for i in (7, 8)))


def test_patches_need_a_peak_and_a_buried_edge(bare: xr.Dataset) -> None:
    patchy = fit(*(patches(0.1, i) for i in (4, 5, 6)))
    blind, told = leis.thickness(patchy, film="Na3PO4"), leis.thickness(patchy, film="Na3PO4", reference=bare)
    assert blind.patches.item() == told.patches.item() == 1
    assert "no reference tells how many" in blind.reasons.item()
    assert told.verdict.item() == "ok"
    assert float(told.bare_share) == pytest.approx(0.1, abs=0.015)
    assert float(told.mean_thickness) == pytest.approx((1 - float(told.bare_share)) * float(told.thickness))
    assert abs(float(told.lag) - 60.0) < 3 * float(told.lag_unc)


def test_the_edge_beside_bare_parts_is_that_beneath_the_film(bare: xr.Dataset) -> None:
    """Whatever the bare share, as far as it is said to be known."""
    pulls = []
    for share in (0.1, 0.25, 0.4):
        series = fit(*(patches(share, 100 + i) for i in range(8)), dim="number")
        found = leis.thickness(series, film="Na3PO4", reference=bare)
        pulls += ((found.lag - 60.0) / found.lag_unc).values.tolist()
        np.testing.assert_allclose(found.bare_share, share, atol=0.03)
    assert 0.6 < np.sqrt(np.mean(np.square(pulls))) < 1.4
    assert np.max(np.abs(pulls)) < 3.5


def test_a_peak_that_hides_the_edge_is_told(bare: xr.Dataset) -> None:
    for sample, reference, why in (
        (bare, None, "hides where that begins"),
        (bare, bare, "100 % of the surface is bare"),
        (fit(patches(0.7, 3)), bare, "70 % of the surface is bare"),
    ):
        nothing = leis.thickness(sample, film="Na3PO4", reference=reference)
        assert np.isnan(nothing.thickness)
        assert np.isnan(nothing.upper_limit)
        assert nothing.patches.item() == -1
        assert nothing.verdict.item() == "failed"
        assert "not determined" in nothing.reasons.item()
        assert why.replace("70", f"{100 * float(nothing.bare_share):.0f}") in nothing.reasons.item()


def test_a_reference_of_other_shapes_is_refused(closed: xr.Dataset, bare: xr.Dataset) -> None:
    other = leis.fit(overlayer(20.0, 2e5), leis.Recipe(elements=("O", "Na", "P", "Zr"), foot=False, slope=False))
    for reference in (other, closed.assign(value=bare["value"] * 0.0)):
        with pytest.raises(InputError):
            leis.thickness(closed, film="Na3PO4", reference=reference)


def test_no_shoulder_no_thickness() -> None:
    table = leis.thickness(leis.fit(overlayer(0.0, shoulder=0.0), RECIPE), film="Na3PO4")
    assert np.isnan(table.thickness)
    assert table.patches.item() == -1
    assert "not identifiable" in table.reasons.item()


def test_a_calibration_makes_up_for_all_assumptions() -> None:
    lags = {0.5: 45.0, 1.0: 75.0, 2.0: 135.0}
    films = fit(*(overlayer(lag, seed=10 + i) for i, lag in enumerate(lags.values())), dim="overlayer")
    line = leis.calibrate_edge(films, list(lags), film="Na3PO4")
    assert float(line.slope) == pytest.approx(60.0, abs=3 * float(line.slope_unc) + 0.5)
    assert float(line.intercept) == pytest.approx(15.0, abs=3 * float(line.intercept_unc) + 0.5)
    unknown = leis.fit(overlayer(99.0, seed=20), RECIPE)
    table = leis.thickness(unknown, film="Na3PO4", calibration=line)
    assert abs(float(table.thickness) - 1.4) < 3 * float(table.thickness_unc)
    # three films on a line by chance say little about its scatter: 3 eV are assumed, worth two degrees of freedom
    assert float(line.scatter) == pytest.approx(np.sqrt(2 * 9.0 / 3) * student.ppf(norm.cdf(1), 3), rel=0.2)
    assert float(table.thickness_unc) > float(line.scatter) / float(line.slope)
    assert float(table.thickness_unc) < 1.5 * float(line.scatter) / float(line.slope)
    assert table.attrs["method"] == "calibration"
    thick = leis.thickness(leis.fit(overlayer(180.0, seed=22), RECIPE), film="Na3PO4", calibration=line)
    assert "thicker than any film of the calibration" in thick.reasons.item()
    thin = leis.thickness(leis.fit(overlayer(25.0, seed=21), RECIPE), film="Na3PO4", calibration=line)
    assert "thinner than any film of the calibration" in thin.reasons.item()
    assert line.verdict.item() == "ok"
    assert line.reasons.item() == ""


@pytest.mark.parametrize("film", ["Na3PO4", ""])
def test_thicknesses_in_another_unit_are_seen(film: str) -> None:
    films = fit(*(overlayer(lag, seed=10 + i) for i, lag in enumerate((45.0, 75.0, 135.0))), dim="overlayer")
    for scale in (10.0, 0.1):  # angstrom, and what is ten times too small
        line = leis.calibrate_edge(films, scale * np.array([0.5, 1.0, 2.0]), film=film)
        assert line.verdict.item() == "check"
        assert str(line.reasons.item()).endswith("are the thicknesses in nm?")
        table = leis.thickness(films.isel(overlayer=[1]), film="Na3PO4", calibration=line)
        assert "are the thicknesses in nm?" in str(table.reasons.values[0])
        assert table.verdict.values[0] == "check"


def test_ends_of_a_calibration_differ_in_print_from_what_lies_outside() -> None:
    films = fit(*(overlayer(lag, seed=10 + i) for i, lag in enumerate((45.0, 75.0, 135.0))), dim="overlayer")
    line = leis.calibrate_edge(films, [0.5, 1.0, 2.0], film="Na3PO4")
    probe = films.isel(overlayer=[0])
    seen = float(leis.thickness(probe, film="Na3PO4", calibration=line).thickness[0])
    law = line.assign(known_thickness=("overlayer", np.array([seen + 2e-4, 1.0, 2.0]), line.known_thickness.attrs))
    reason = str(leis.thickness(probe, film="Na3PO4", calibration=law).reasons.values[0])
    below, end = re.findall(r"(\d\.\d+) nm", reason)[:2]
    assert float(below) < float(end)


def test_bad_questions_are_refused(closed: xr.Dataset) -> None:
    for change in (
        {"film": "Unobtainium"}, {"film": "ZrO2", "density": 5.7}, {"film": "NaPO3"}, {"element": "O"},
        {"reionisation_loss": (-1.0, 1.0)}, {"stopping": (0.0, 1.0)}, {"exit_angle": 95.0}, {"monolayer": -1.0},
        {"calibration": leis.normalise(closed)}, {"neutralisation_depth": -0.1},
    ):  # fmt: skip
        with pytest.raises(InputError):
            leis.thickness(closed, **{"film": "Na3PO4", **change})  # type: ignore[arg-type]
    for t in ([1.0], [1.0, 1.0, 1.0], [3.0, 2.0, np.nan]):
        with pytest.raises(InputError):
            leis.calibrate_edge([closed, closed, closed], t)


def test_mean_of_the_first_layers_is_half_a_layer_before_the_first() -> None:
    # planes of atoms a layer apart, each smeared: half of the level is reached half a layer before the first plane
    step, width = 16.0, 25.0
    x = np.arange(-400.0, 400.0, 0.5)
    planes = sum(np.exp(-0.5 * ((x - k * step) / width) ** 2) for k in range(60))
    level = quad(lambda u: np.exp(-0.5 * (u / width) ** 2), -400, 400)[0] / step
    at = float(np.interp(0.5 * level, planes[x < 100], x[x < 100]))
    assert at == pytest.approx(-0.5 * step, abs=0.1)


@pytest.fixture(scope="module")
def uniform(data_dir: Path) -> xr.Dataset:
    folder = data_dir / "leis" / "simulated" / "spectra"
    if not folder.is_dir():
        pytest.skip(f"no simulated LEIS spectra in {folder}")

    def read(name: str) -> xr.Dataset:
        energy, counts = np.loadtxt(folder / f"uniform_{name}.csv", delimiter=",", skiprows=1).T
        return spectra.spectrum(energy, counts, technique="LEIS", simulated="true")

    recipe = leis.Recipe(elements=("O", "Na", "Si", "P", "Zr"))
    return leis.fit(spectra.stack([read(f"ML{n}") for n in LAYERS], "overlayer"), recipe)


LAYERS = (2, 3, 4, 8)
KNOWN = 0.2376236 * np.array(LAYERS)


@pytest.mark.data
def test_uniform_overlayers_from_first_principles(uniform: xr.Dataset) -> None:
    table = leis.thickness(uniform, film="Na3PO4")
    error = table.thickness.values - KNOWN
    assert np.all(np.abs(error) < 2 * table.thickness_unc.values)
    assert np.all(np.abs(error[:3]) < 0.1)  # the one of eight layers is 9 % too thin, stopping is known to 25 %
    assert table.patches.values.tolist() == [0, 0, 0, 0]


@pytest.mark.data
def test_uniform_overlayers_each_calibrated_by_the_others(uniform: xr.Dataset) -> None:
    errors, pulls, told = [], [], []
    for k in range(4):
        rest = [i for i in range(4) if i != k]
        line = leis.calibrate_edge(uniform.isel(overlayer=rest), KNOWN[rest], film="Na3PO4")
        table = leis.thickness(uniform.isel(overlayer=[k]), film="Na3PO4", calibration=line)
        errors.append(float(table.thickness[0]) - KNOWN[k])
        pulls.append(errors[-1] / float(table.thickness_unc[0]))
        told.append("any film of the calibration" in str(table.reasons.values[0]))
    # the last one lies at twice the thickness of the thickest of the others
    assert np.all(np.abs(errors[:3]) < 0.1)
    assert abs(errors[3]) < 0.2
    assert np.max(np.abs(pulls)) < 2.0
    assert told == [True, False, False, True]


def test_one_element_alone_is_the_same_as_among_others() -> None:
    model = SpectrumModel(RECIPE, ENERGY)
    shapes = np.array([{"offset": 3.0, "resolution": 0.018, "survival": 80.0, "tail": 20.0}.get(n, 45.0)
                       for n in model.shape_names])  # fmt: skip
    for element, quick in (("Zr", True), ("P", False)):
        used = [i for i, name in enumerate(model.linear_names) if name.startswith(f"{element} ")]
        alone = edge_mixture._Alone(model, element, used)
        assert (alone.small is not None) == quick
        np.testing.assert_allclose(alone.design(shapes), model.design(shapes)[:, used], rtol=1e-9, atol=1e-12)
