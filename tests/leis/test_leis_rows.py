"""The scripts of docs/examples carry out the LEIS analyses of the paper on simulated twins; numbers meet the truth.

A number passes when it lies within three of its standard uncertainties of the truth and within the accuracy
stated here. The truth files are opened after the scripts have run.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import xarray as xr
import yaml

import surfspec as ss

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "docs" / "examples"
ROWS = sorted(path.stem.removeprefix("leis_") for path in EXAMPLES.glob("leis_i*.py"))
ELEMENTS = ("O", "Na", "Si", "P", "Zr")
Numbers = dict[str, tuple[float, float]]


def script(row: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"leis_{row}", EXAMPLES / f"leis_{row}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Numbers]:
    """Run each script once; it must leave a figure. What two of them fit alike is fitted once."""
    fit, made = ss.leis.fit, {}

    def fitted(data: xr.Dataset, recipe: ss.leis.Recipe, **options: object) -> xr.Dataset:
        key = (data["intensity"].values.tobytes(), tuple(data["intensity"].dims), repr(recipe), repr(options))
        if key not in made:
            made[key] = fit(data, recipe, **options)
        return made[key].copy()

    @cache
    def once(row: str) -> Numbers:
        folder = tmp_path_factory.mktemp(row)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ss.leis, "fit", fitted)
            numbers = script(row).main(folder)
        assert (folder / f"leis_{row}.png").stat().st_size > 5_000
        return numbers

    return once


@cache
def truth(folder: str) -> dict:
    return yaml.safe_load((ss.reference.path(folder) / "truth.yaml").read_text(encoding="utf-8"))


def study(sample: str) -> dict:
    return truth("nasicon_study")["samples"][sample]["leis"]


def normalised(name: str) -> dict[str, float]:
    return truth("leis_twins")["surface"]["spectra"][name]["normalised_area"]


def meets(number: tuple[float, float], true: float, *, accuracy: float, sigmas: float = 3.0) -> None:
    """Within three standard uncertainties, and within a stated absolute accuracy."""
    value, unc = number
    assert np.isfinite(unc)
    assert unc > 0
    assert abs(value - true) < accuracy, f"{value} instead of {true}"
    assert abs(value - true) < sigmas * unc, f"pull {(value - true) / unc:.1f}: {value} +- {unc} instead of {true}"


@pytest.mark.parametrize("row", ROWS)
def test_every_script_returns_numbers_and_a_figure(row: str, run: Callable[[str], Numbers]) -> None:
    numbers = run(row)
    assert numbers
    for value, unc in numbers.values():
        assert np.isnan(unc) or np.isfinite(value)


def test_i1_positions(run: Callable[[str], Numbers]) -> None:
    """Centroids by isotopes, masses of the ion and of the atoms: computed apart from the package to 0.01 eV."""
    known = {"O": 1182.13, "Na": 1581.31, "Si": 1779.39, "P": 1869.51, "Zr": 2557.01}
    numbers = run("i1")
    for element, energy in known.items():
        assert numbers[element][0] == pytest.approx(energy, abs=0.01)
    assert numbers["Zr re-ionisation"][0] == pytest.approx(18.5, abs=0.1)
    assert numbers["Zr below elastic"][0] == pytest.approx(57.0, abs=0.1)


@pytest.mark.parametrize("element", ELEMENTS)
def test_i2_peaks_on_their_shoulders(run: Callable[[str], Numbers], element: str) -> None:
    numbers = run("i2")
    meets(numbers[f"surface {element}"], normalised("surface")[element], accuracy=0.04)
    spectra = truth("leis_twins")["surface"]["spectra"]
    area = {e: sum(spectra[f"profile_cycle{cycle}"]["area"][e] for cycle in range(10, 16)) for e in ELEMENTS}
    true = area[element] / sum(area[e] for e in ELEMENTS if e != "Na")
    meets(numbers[f"bulk {element}"], true, accuracy=0.04)


@pytest.mark.parametrize("element", ELEMENTS)
def test_i3_surface_and_mean_of_the_profile(run: Callable[[str], Numbers], element: str) -> None:
    numbers = run("i3")
    meets(numbers[f"surface {element}"], normalised("surface")[element], accuracy=0.04)
    every = [normalised(f"profile_cycle{cycle:02d}")[element] for cycle in range(1, 16)]
    meets(numbers[f"profile {element}"], float(np.mean(every)), accuracy=0.02)
    first = int(numbers["constant from"][0])
    meets(numbers[f"bulk {element}"], float(np.mean(every[first - 1 :])), accuracy=0.02)


def test_i3_what_the_paper_saw(run: Callable[[str], Numbers]) -> None:
    """On the surface Na, P and O alone; in the bulk all five."""
    numbers = run("i3")
    assert [e for e in ELEMENTS if numbers[f"surface {e} detected"][0]] == ["O", "Na", "P"]
    for element in ("Si", "Zr"):
        assert numbers[f"surface {element} detected"][1] > normalised("surface")[element]
    assert all(numbers[f"bulk {e}"][0] > 3.0 * numbers[f"bulk {e}"][1] for e in ELEMENTS)


def area_means(sample: str, element: str) -> list[float]:
    """Means over three areas at four doses."""
    if sample != "cross-section":
        return [entry["value"] for entry in study(sample.replace("-", "_"))["normalised_area"][element]]
    spectra = truth("leis_twins")["cross_section"]["spectra"]
    return [
        float(np.mean([spectra[f"cross_section_area{spot}_dose{i}"]["normalised_area"][element] for spot in (1, 2, 3)]))
        for i in (1, 2, 3, 4)
    ]


def test_i4_normalised_areas(run: Callable[[str], Numbers]) -> None:
    """Four samples, five elements, four doses: eighty numbers within 0.04, pulls of unit width, one beyond 3."""
    numbers, pulls, errors = run("i4"), [], []
    for sample in ("as-sintered", "polished", "annealed", "cross-section"):
        for element in ELEMENTS:
            for i, true in enumerate(area_means(sample, element), start=1):
                value, unc = numbers[f"{sample} {element} {i}"]
                pulls.append((value - true) / unc)
                errors.append(abs(value - true))
                detected, limit = numbers[f"{sample} {element} {i} detected"]
                assert detected or limit > true - unc  # not all hold: see the limits of single areas below
    assert max(errors) < 0.04
    assert np.mean(errors) < 0.012
    assert 0.7 < np.sqrt(np.mean(np.square(pulls))) < 1.3
    assert sum(abs(pull) > 3.0 for pull in pulls) <= 1
    assert max(map(abs, pulls)) < 3.5


@pytest.fixture(scope="module")
def single_limits() -> list[tuple[str, float, float, float]]:
    """Limits of what was not detected on one area at one dose: where, limit, total uncertainty, truth."""
    folder = ss.reference.path("nasicon_study") / "leis"
    recipe = ss.leis.Recipe(elements=ELEMENTS, ion="4He", energy=3000, angle=145)
    fits = {
        sample: ss.leis.fit(ss.io.read_series(folder / f"{sample}_area{{spot}}_dose{{dose}}.csv"), recipe)
        for sample in ("as_sintered", "annealed", "ref_Na3PO4")
    }
    blanks = dict.fromkeys(("Si", "Zr"), fits["ref_Na3PO4"])
    found = []
    for sample in ("as_sintered", "annealed"):
        for spot in (0, 1, 2):
            table = ss.leis.normalise(fits[sample].isel(spot=[spot]), exclude=("Na",), blanks=blanks)
            for element in ELEMENTS:
                for i, entry in enumerate(study(sample)["normalised_area"][element]):
                    at = table.sel(element=element).isel(dose=i)
                    if not at.detected:
                        where = f"{sample} area {spot + 1} dose {i + 1} {element}"
                        unc = float(at.normalised_area_unc)
                        found.append((where, float(at.upper_limit), unc, float(entry["spots"][spot])))
    return found


def test_i4_limits_miss_by_less_than_an_uncertainty(single_limits: list[tuple[str, float, float, float]]) -> None:
    assert len(single_limits) >= 4
    for where, limit, unc, true in single_limits:
        assert limit > true - unc, f"{where}: below {limit}, in truth {true}"


@pytest.mark.xfail(
    strict=True,
    reason="Short of the goal: 4 of 6 limits of 95 % hold. Si on its way to 0.05 comes out too low by up to 0.03",
)
def test_i4_nine_of_ten_limits_hold(single_limits: list[tuple[str, float, float, float]]) -> None:
    held = [limit > true for _, limit, _, true in single_limits]
    assert np.mean(held) >= 0.9


def test_i5_silicon_appears(run: Callable[[str], Numbers]) -> None:
    """As the paper saw it: Si from the third dose on, Zr on its edge from the first."""
    numbers = run("i5")
    assert numbers["Si first"][0] == pytest.approx(4.8e15)
    assert numbers["Zr first"][0] == pytest.approx(1.6e15)
    assert max(numbers[f"{element} chance"][0] for element in ("Si", "Zr")) < 0.05
    shares = area_means("as-sintered", "Si")
    assert shares[0] < 0.01 < shares[2]  # what is called absent at first is there by less than a hundredth


@pytest.mark.parametrize("element", ["Si", "Zr"])
def test_i5_shares(run: Callable[[str], Numbers], element: str) -> None:
    """Shares of all other elements at the four doses, by counting and by what the blank shows of the model."""
    numbers = run("i5")
    wanted, sodium = area_means("as-sintered", element), area_means("as-sintered", "Na")
    for i, (one, na) in enumerate(zip(wanted, sodium, strict=True), start=1):
        meets(numbers[f"{element} {i}"], one / (1.0 + na - one), accuracy=0.04)


def test_i6_more_than_twice(run: Callable[[str], Numbers]) -> None:
    numbers = run("i6")
    for element in ("Na", "P"):
        true = area_means("as-sintered", element)[0] / area_means("polished", element)[0]
        meets(numbers[element], true, accuracy=0.35 * true)
        assert true > 2.0
        assert numbers[f"{element} more than twice"][0] > 0.95


def coverage_errors(numbers: Numbers, sample: str) -> list[tuple[float, float]]:
    """Errors of the four coverages and their standard uncertainties."""
    measured = [numbers[f"{sample} coverage {i}"] for i in (1, 2, 3, 4)]
    return [
        (value - true["value"], unc) for (value, unc), true in zip(measured, study(sample)["coverage"], strict=True)
    ]


@pytest.mark.parametrize("sample", ["as_sintered", "annealed"])
def test_i7_coverage_at_each_dose(run: Callable[[str], Numbers], sample: str) -> None:
    """All eight come out too high, the worst by 0.047: within three of their uncertainties, but not by chance."""
    numbers = run("i7")
    for error, unc in coverage_errors(numbers, sample):
        assert 0 < unc < 0.03
        assert abs(error) < 3.0 * unc
    assert numbers[f"{sample} monolayers"][0] == study(sample)["monolayers"]


@pytest.mark.xfail(strict=True, reason="Short of the goal: the worst coverage is 0.047 too high (measured)")
def test_i7_coverage_to_three_hundredths(run: Callable[[str], Numbers]) -> None:
    """The goal for the mean over the areas at one dose."""
    found = [error for sample in ("as_sintered", "annealed") for error, _ in coverage_errors(run("i7"), sample)]
    assert max(map(abs, found)) < 0.03


def test_i7_film(run: Callable[[str], Numbers]) -> None:
    numbers, entry = run("i7"), study("as_sintered")
    sigma, thick = entry["removal_cross_section"], entry["thickness"]
    meets(numbers["removal cross-section"], sigma, accuracy=0.1 * sigma)
    for sample in ("as_sintered", "annealed"):
        meets(numbers[f"{sample} zero dose"], study(sample)["zero_dose_coverage"], accuracy=0.03)
    meets(numbers["thickness by edge"], thick, accuracy=0.1)
    meets(numbers["thickness by monolayers"], thick, accuracy=0.1)
    assert numbers["removable, at most"][0] < thick  # the yields assumed would not have opened it
