"""One component or two: false positives at the stated level, clear pairs found, close pairs left open."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy.special import voigt_profile

import surfspec as ss
from surfspec.errors import InputError
from surfspec.xps.questions.simulated_ratio import simulated_ratio

X = np.round(np.arange(279.0, 292.0001, 0.1), 4)
WIDTHS = {"fwhm_gauss": ss.xps.Range(1.1, 0.5, 2.0), "fwhm_lorentz": 0.15}
SAME = {role: ss.xps.Range(follows="low") for role in WIDTHS}
TWO = ss.xps.Recipe(
    "two",
    "C 1s",
    (280.5, 290.5),
    peaks=(
        ss.xps.Peak("low", "C 1s", ss.xps.Range(284.8, 283.5, 286.2), widths=WIDTHS),
        ss.xps.Peak("high", "C 1s", ss.xps.Range(286.0, 285.1, 288.0), widths=SAME),
    ),
)
ONE = replace(TWO, recipe="one", peaks=TWO.peaks[:1])
THREE = replace(
    TWO,
    recipe="three",
    peaks=(*TWO.peaks, ss.xps.Peak("carbonate", "C 1s", ss.xps.Range(289.2, 288.5, 289.8), widths=SAME)),
)


def counts(rng: np.random.Generator, apart: float, ratio: float, *, height: float = 300.0) -> xr.Dataset:
    """A C 1s peak at 285.0 eV and another one above it, on their Shirley background; simulated."""
    fine = np.arange(260.0, 295.0, 0.01)
    area = height / voigt_profile(0.0, 1 / 2.3548, 0.075)

    def peaks(at: np.ndarray) -> np.ndarray:
        return sum(area * r * voigt_profile(at - 285.0 - d, 1 / 2.3548, 0.075) for r, d in ((1.0, 0.0), (ratio, apart)))

    mean = 0.1 * height + peaks(X) + 0.02 * np.interp(X, fine, np.cumsum(peaks(fine)) * 0.01)
    return ss.spectrum(X, rng.poisson(mean).astype(float), technique="XPS", region="C 1s", simulated="true")


@pytest.mark.slow
def test_one_peak_is_called_two_as_often_as_stated() -> None:
    """p-values of 40 single peaks: uniform within what 40 tell (150 of them: see docs/model_choice.md)."""
    rng = np.random.default_rng(3)
    found = [
        simulated_ratio(counts(rng, 0.0, 0.0), ONE, TWO, energy_shift=0.0, replicates=50, seed=i) for i in range(40)
    ]
    p = np.array([one.p_value for one in found])
    assert np.mean(p < 0.1) <= 0.25
    assert np.mean(p < 0.5) == pytest.approx(0.5, abs=0.25)
    assert all(one.observed > -1e-3 for one in found)


def test_a_clear_pair_is_two_and_a_single_peak_is_not() -> None:
    rng = np.random.default_rng(4)
    pair = ss.xps.choose(counts(rng, 1.4, 0.5), [TWO, ONE], replicates=99, energy_shift=0.0)
    assert pair.attrs["conclusion"] == "two"
    assert pair.model.values.tolist() == ["one", "two"]  # smallest first
    assert pair.against.values.tolist() == ["", "one"]
    assert float(pair.p_value.sel(model="two")) == pytest.approx(0.01)
    assert float(pair.bic_weight.sel(model="two")) > 0.999
    single = ss.xps.choose(counts(rng, 0.0, 0.0), [ONE, TWO], replicates=99, energy_shift=0.0)
    assert single.attrs["conclusion"] in ("one", "not resolved")
    assert float(single.p_value.sel(model="two")) > 0.05


def test_a_close_pair_is_not_called_resolved() -> None:
    rng = np.random.default_rng(5)
    said = [
        ss.xps.choose(counts(rng, 0.45, 0.5), [ONE, TWO], replicates=50, energy_shift=0.0).attrs["conclusion"]
        for _ in range(6)
    ]
    assert "two" not in said


def test_criteria_are_those_of_the_formulas(tmp_path: Path) -> None:
    found = ss.xps.choose(counts(np.random.default_rng(6), 1.4, 0.5), [ONE, TWO], replicates=0, energy_shift=0.0)
    n = found.attrs["points"]
    free = {"one": 3, "two": 5}
    for name, k in free.items():
        row = found.sel(model=name)
        assert int(row.parameters) == k
        assert float(row.aic) == pytest.approx(float(row.deviance) + 2 * k)
        assert float(row.bic) == pytest.approx(float(row.deviance) + k * np.log(n))
    assert float(found.akaike_weight.sum()) == pytest.approx(1.0)
    odds = found.bic_weight.values[0] / found.bic_weight.values[1]
    assert odds == pytest.approx(np.exp(-(found.bic.values[0] - found.bic.values[1]) / 2))
    assert np.isnan(found.p_value.values).all()
    assert found.attrs["conclusion"] == "two"
    found.to_netcdf(tmp_path / "t.nc")
    xr.testing.assert_identical(xr.load_dataset(tmp_path / "t.nc"), found)


def test_three_recipes_are_climbed_and_progress_and_seeds_hold() -> None:
    data, told = counts(np.random.default_rng(7), 1.4, 0.6, height=1000.0), []
    options = {"replicates": 50, "energy_shift": 0.0}
    found = ss.xps.choose(data, [THREE, ONE, TWO], progress=lambda done, most: told.append((done, most)), **options)
    assert found.against.values.tolist() == ["", "one", "two"]
    assert found.attrs["conclusion"] in ("two", "not resolved")
    assert told == [(50, 50), (50, 50)]
    xr.testing.assert_identical(found, ss.xps.choose(data, [THREE, ONE, TWO], **options))


def test_unknown_statistics_do_not_hang_on_the_unit() -> None:
    data = counts(np.random.default_rng(8), 1.4, 0.5)
    rate = data.assign(intensity=(data.intensity * 1e-3).assign_attrs(data.intensity.attrs))
    found = [
        ss.xps.choose(one.assign_attrs(statistics="unknown"), [ONE, TWO], replicates=50, energy_shift=0.0)
        for one in (data, rate)
    ]
    assert found[0].attrs["conclusion"] == found[1].attrs["conclusion"] == "two"
    ratio = [float(one.likelihood_ratio.sel(model="two")) for one in found]
    assert ratio[0] == pytest.approx(ratio[1], rel=1e-3)
    gain = [float(one.bic.values[0] - one.bic.values[1]) for one in found]
    assert gain[0] == pytest.approx(gain[1], rel=1e-2)


def test_what_cannot_be_compared_is_refused() -> None:
    data = counts(np.random.default_rng(9), 1.4, 0.5)
    with pytest.raises(InputError, match="nothing to choose"):
        ss.xps.choose(data, [ONE])
    with pytest.raises(InputError, match="window or background"):
        ss.xps.choose(data, [ONE, replace(TWO, window=(281.0, 290.5))])
    with pytest.raises(InputError, match="are called"):
        ss.xps.choose(data, [ONE, replace(TWO, recipe="one")])
    with pytest.raises(InputError, match="series"):
        ss.xps.choose(ss.stack([data, data], dim="spot"), [ONE, TWO])
    for wrong in (None, 3, (one for one in (ONE, TWO)), "C 1s", ONE, []):
        with pytest.raises(InputError, match="nothing to choose"):
            ss.xps.choose(data, wrong)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="a int is no recipe"):
        ss.xps.choose(data, [ONE, 3])  # type: ignore[list-item]
    with pytest.raises(InputError, match="no spectrum"):
        ss.xps.choose(None, [ONE, TWO])  # type: ignore[arg-type]
    for option in ({"seed": -1}, {"seed": "a"}, {"engine": "foo"}, {"engine": None}, {"replicates": 1.5}):
        for count in (0, 9):
            with pytest.raises(InputError, match=next(iter(option))):
                ss.xps.choose(data, [ONE, TWO], **{"replicates": count, **option})
    with pytest.raises(InputError, match="level"):
        ss.xps.choose(data, [ONE, TWO], level=5)


def test_a_shift_at_the_end_of_its_search_is_a_reason() -> None:
    data = counts(np.random.default_rng(9), 1.4, 0.5)
    moved = data.assign_coords(binding_energy=("binding_energy", X + 0.8, data.binding_energy.attrs))
    found = ss.xps.choose(moved, [ONE, TWO], replicates=0, shift_search=0.3)
    assert all("energy scale" in one for one in found.reasons.values)
    assert "ok" not in found.verdict.values


@pytest.mark.slow
def test_the_page_runs_and_says_what_its_text_says(capsys: pytest.CaptureFixture[str]) -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "model_choice.md").read_text(encoding="utf-8")
    page: dict[str, object] = {"__name__": "__page__"}
    for block in re.findall(r"^```\{code-cell\} ipython3\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        exec(compile(block, "model_choice.md", "exec"), page)  # noqa: S102
    printed = capsys.readouterr().out
    assert "Zr2+ is less than 0." in printed
    assert "the data ask for two states" in printed
    assert "same shape\ndifferent shape |" in printed
