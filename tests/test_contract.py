"""What every fit and every match promises, checked for all techniques alike on the simulated study."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import surfspec as ss

FOLDER = ss.reference.path("nasicon_study")


@dataclass(frozen=True)
class Case:
    """One way to analyse a spectrum."""

    kind: str
    load: Callable[[int], xr.Dataset]
    run: Callable[[xr.Dataset], xr.Dataset]
    again: Callable[[xr.Dataset, str], xr.Dataset] | None


def xps_data(member: int) -> xr.Dataset:
    sample = ("polished", "annealed")[member]
    return ss.read(FOLDER / "xps" / f"{sample}_Na1s.csv")


def leis_data(member: int) -> xr.Dataset:
    return ss.read(FOLDER / "leis" / f"annealed_area{member + 1}_dose2.csv")


def xrd_data(member: int) -> xr.Dataset:
    return ss.read(FOLDER / "xrd" / ("polished_before.xy", "polished_coated.xy")[member], wavelength="CuKa1")


LEIS = ss.leis.Recipe(elements=("O", "Na", "Si", "P", "Zr"), ion="4He", energy=3000, angle=145)
CASES = {
    "xps": Case(
        "fit",
        xps_data,
        lambda ds: ss.xps.fit(ds, "Na 1s", shift_search=3),
        lambda ds, text: ss.xps.fit(ds, ss.recipes.load_yaml(text, ss.xps.Recipe), shift_search=3),
    ),
    "xps, many at once": Case(
        "fit",
        xps_data,
        lambda ds: ss.xps.fit(ds, "Na 1s", shift_search=3, engine="numpy"),
        lambda ds, text: ss.xps.fit(ds, ss.recipes.load_yaml(text, ss.xps.Recipe), shift_search=3, engine="numpy"),
    ),
    "leis": Case(
        "fit",
        leis_data,
        lambda ds: ss.leis.fit(ds, LEIS),
        lambda ds, text: ss.leis.fit(ds, ss.recipes.load_yaml(text, ss.leis.Recipe)),
    ),
    "xrd": Case("match", xrd_data, lambda ds: ss.xrd.match(ds, phases=["NZSP_C2c", "Pb_fcc", "ZrO2_m"]), None),
}
PARAMETERS = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@pytest.fixture(scope="module")
def results() -> dict[int, xr.Dataset]:
    return {}


def result_of(case: Case, results: dict[int, xr.Dataset]) -> xr.Dataset:
    if id(case) not in results:
        results[id(case)] = case.run(case.load(0))
    return results[id(case)]


@PARAMETERS
def test_the_result_is_of_its_kind_and_names_its_units(case: Case, results: dict[int, xr.Dataset]) -> None:
    result = ss.check(result_of(case, results), case.kind)
    for name, variable in result.variables.items():
        if np.issubdtype(variable.dtype, np.floating):
            assert "units" in variable.attrs, name
    assert set(np.unique(result["verdict"].values)) <= {"ok", "check", "failed"}


@PARAMETERS
def test_the_input_is_left_alone(case: Case) -> None:
    spectrum = case.load(0)
    for variable in spectrum.variables.values():
        if isinstance(variable._data, np.ndarray):
            variable._data.flags.writeable = False
    before = spectrum.copy(deep=True)
    case.run(spectrum)
    xr.testing.assert_identical(spectrum, before)


@PARAMETERS
def test_the_same_twice(case: Case, results: dict[int, xr.Dataset]) -> None:
    xr.testing.assert_identical(case.run(case.load(0)), result_of(case, results))


@PARAMETERS
def test_saved_and_read_back_it_is_identical(case: Case, results: dict[int, xr.Dataset], tmp_path: Path) -> None:
    result = result_of(case, results)
    ss.save(result, tmp_path / "result.nc")
    xr.testing.assert_identical(ss.load(tmp_path / "result.nc"), result)


@PARAMETERS
def test_it_can_be_drawn_and_told(case: Case, results: dict[int, xr.Dataset]) -> None:
    result = result_of(case, results)
    assert ss.plot(result).axes
    text = ss.summary(result)
    assert str(np.atleast_1d(result["verdict"].values)[0]) in text
    assert max(map(len, text.splitlines())) <= 100


@PARAMETERS
def test_the_recipe_in_the_result_refits_to_the_same_bits(case: Case, results: dict[int, xr.Dataset]) -> None:
    if case.again is None:
        pytest.skip("a match keeps the names of its candidates, not a recipe")
    result = result_of(case, results)
    xr.testing.assert_identical(case.again(case.load(0), result.attrs["recipe"])["value"], result["value"])


@PARAMETERS
def test_simulated_input_makes_a_simulated_result(case: Case, results: dict[int, xr.Dataset]) -> None:
    assert result_of(case, results).attrs["simulated"] == "true"


@pytest.mark.parametrize("name", ["xps", "leis"])
def test_a_series_equals_its_members_in_any_order(name: str) -> None:
    case = CASES[name]
    members = [case.load(0), case.load(1)]
    if name == "xps":  # the shift of a series is that of the sum: one shift for both
        case = Case("fit", case.load, lambda ds: ss.xps.fit(ds, "Na 1s", shift_search=0), None)
        axis = members[0]["binding_energy"]
        members = [m.assign_coords(binding_energy=axis - 1.1) for m in members]
        for member in members:
            member["binding_energy"].attrs = dict(axis.attrs)
    try:
        together = case.run(ss.stack(members, "spot"))
    except ss.SurfspecError as error:
        pytest.fail(str(error))
    turned = case.run(ss.stack(members[::-1], "spot"))
    for i, member in enumerate(members):
        alone = case.run(member)
        np.testing.assert_allclose(together["value"].values[i], alone["value"].values, rtol=1e-6, atol=1e-9)
    np.testing.assert_array_equal(turned["value"].values[::-1], together["value"].values)
