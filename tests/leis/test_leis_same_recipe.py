"""Fits made in different ways are not mixed: what is refused, what is doubted, what is no difference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
import xarray as xr

from surfspec import leis, recipes, spectra
from surfspec.errors import InputError
from surfspec.leis.spectrum.same_recipe import DECISIVE, DOUBTFUL, RANGES, recorded, same_recipe

BASE = leis.Recipe(elements=("O", "Zr"))
ENERGY = np.arange(900.0, 2850.0, 5.0)

OTHER: dict[str, Any] = {
    "ion": "3He", "energy": 2000.0, "angle": 136.0, "transmission": -1.0, "isotopes": False,
    "inelastic_loss": {"Zr": 20.0}, "low_energy_tail": False, "foot": False, "foot_shape": (0.02, 0.05),
    "slope": False, "sputter_tail": False, "sputter_decay": 90.0, "lag": (), "acceptance_shape": "cone",
    "thermal_energy": 0.1, "potential": "TFM", "survival": (0.0, 50.0), "tail": (1.0, 2.0), "lag_range": (0.0, 9.0),
}  # fmt: skip
#: What may differ: numbers of the instrument, and elements, which have an argument of their own.
FREE = {"elements", "window", "gain", "offset", "resolution", "acceptance"}


def made_with(recipe: leis.Recipe, key: str = "recipe") -> xr.Dataset:
    return xr.Dataset(attrs={key: recipes.to_yaml(recipe)})


def test_every_key_of_a_recipe_is_judged() -> None:
    assert {one.name for one in fields(leis.Recipe)} == {*DECISIVE, *DOUBTFUL} | FREE
    assert set(OTHER) == {*DECISIVE, *DOUBTFUL}
    assert set(RANGES) < set(DOUBTFUL)


@pytest.mark.parametrize("key", DECISIVE)
def test_decisive_keys_are_refused_by_name(key: str) -> None:
    other = replace(BASE, **{key: OTHER[key]})
    for pair in ((BASE, other), (other, BASE)):
        with pytest.raises(InputError, match=f"sample was fitted with {key} .*, film with ") as caught:
            same_recipe(*map(made_with, pair), names=("sample", "film"), where="film")
        assert caught.value.where == "film"


@pytest.mark.parametrize("key", DOUBTFUL)
def test_doubtful_keys_are_reasons(key: str) -> None:
    reasons = same_recipe(made_with(BASE), made_with(replace(BASE, **{key: OTHER[key]})))
    assert len(reasons) == 1
    assert reasons[0].startswith(f"model inadequate: first was fitted with {key} ")


def test_numbers_of_the_instrument_are_no_difference() -> None:
    found = {"offset": 2.0, "resolution": 0.02, "acceptance": 2.0, "survival": 90.0, "tail": 9.0}
    fixed = BASE.with_instrument(found)
    shifted = replace(BASE.with_instrument(found | {"survival": 95.0, "tail": 8.0}), gain=1.01, window=(1000.0, 2700.0))
    for pair in ((BASE, fixed), (fixed, BASE), (fixed, shifted), (BASE, replace(BASE, ion="4He+"))):
        assert same_recipe(*map(made_with, pair)) == []
    outside = BASE.with_instrument({"survival": 400.0})
    assert "survival 0 to 300, second with 400 to 400" in same_recipe(made_with(BASE), made_with(outside))[0]


def test_elements() -> None:
    more = replace(BASE, elements=("O", "Si", "Zr"), inelastic_loss={"Si": 5.0})
    with pytest.raises(InputError, match="elements O, Zr, second with O, Si, Zr"):
        same_recipe(made_with(BASE), made_with(more))
    assert len(same_recipe(made_with(BASE), made_with(more), same_elements=False)) == 1
    assert same_recipe(made_with(BASE), made_with(replace(BASE, elements=("Zr", "O")))) == []


def test_tables_carry_the_recipe_and_others_are_passed_over() -> None:
    assert recorded(made_with(BASE, "fit_recipe")) == BASE
    assert same_recipe(made_with(BASE), None, xr.Dataset()) == []
    with pytest.raises(InputError, match="third with -1"):
        same_recipe(made_with(BASE), xr.Dataset(), made_with(replace(BASE, transmission=-1.0), "fit_recipe"))


@pytest.fixture(scope="module")
def two() -> tuple[xr.Dataset, xr.Dataset]:
    """One spectrum in three spots, fitted as it is and with a transmission."""
    rng = np.random.default_rng(2)
    peaks = 900 * np.exp(-((ENERGY - 1182) ** 2) / 800) + 900 * np.exp(-((ENERGY - 2557) ** 2) / 800)
    counts = rng.poisson(20 + peaks, (3, ENERGY.size))
    series = spectra.spectrum(ENERGY, counts, technique="LEIS", simulated="true", dims=("spot",))
    plain = replace(BASE, foot=False)
    return leis.fit(series, plain), leis.fit(series, replace(plain, transmission=-1.0))


def test_amounts_refuse_fits_with_and_without_a_transmission(two: tuple[xr.Dataset, xr.Dataset]) -> None:
    plain, passed = two
    factors = leis.sensitivity(plain, "ZrO2", relative_to="O")
    assert "was fitted with" not in leis.composition(plain, factors).reasons.item()
    tables = [leis.normalise(one) for one in two]
    calls: list[Callable[[], xr.Dataset]] = [
        lambda: leis.composition(passed, factors),
        lambda: leis.sensitivity([plain, passed], ["ZrO2", "ZrO2"]),
        lambda: leis.area_ratio(*tables),
        lambda: leis.normalise(plain, blanks={"Zr": passed}),
        lambda: leis.depth_profile(
            plain.assign_coords(spot=[1, 2, 3]), along="spot", spot_dim="", blanks={"Zr": passed}
        ),
    ]
    for call in calls:
        with pytest.raises(InputError, match="transmission"):
            call()
    assert leis.area_ratio(tables[0], tables[0]).verdict.item() == "ok"
    computed = leis.sensitivity_from_cross_sections(("O", "Zr"), transmission=-1.0)
    with pytest.raises(InputError, match=r"in the recipe .* and in the factors"):
        leis.composition(passed, computed)
    with pytest.raises(InputError, match=r"ion_energy 3000.0, the factors are computed for 2000"):
        leis.composition(plain, leis.sensitivity_from_cross_sections(("O", "Zr"), energy=2000.0))


def test_a_doubt_reaches_the_verdict(two: tuple[xr.Dataset, xr.Dataset]) -> None:
    plain, _ = two
    other = plain.assign_attrs(recipe=recipes.to_yaml(replace(recorded(plain) or BASE, slope=False)))
    for found in (
        leis.area_ratio(leis.normalise(plain), leis.normalise(other)),
        leis.sensitivity([plain, other], ["ZrO2", "ZrO2"]),
        leis.composition(other, leis.sensitivity(plain, "ZrO2")),
        leis.normalise(plain, blanks={"Zr": other}),
    ):
        assert found.verdict.item() == "check"
        assert "fitted with slope True" in found.reasons.item() or "fitted with slope False" in found.reasons.item()
