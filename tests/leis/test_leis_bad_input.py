"""Bad input to the amounts: an error of the package that says where and what to do, never a traceback of numpy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

from surfspec import given, leis, spectra
from surfspec.errors import InputError, SurfspecError
from surfspec.leis.amounts import checks

ENERGY = np.arange(900.0, 2850.0, 5.0)
BAD: list[Any] = [
    None, True, "", "abc", "nan", float("nan"), float("inf"), -1.0, 0.0, 1e300, 10**400, [], [float("nan")], [1, 2, 3],
    {}, {"Zz": 1.0}, {"O": "x"}, {"O": float("nan")}, {"O": -1.0}, {"O": None}, {1: 2}, (1,), (float("nan"), 1.0),
    ("a", "b"), np.array([1.0, 2.0]), np.array("x"), object(), xr.Dataset(), xr.DataArray([1.0, 2.0]), [None],
    [xr.Dataset()], {"O": xr.Dataset()}, 3 + 4j, np.full((2, 2), np.nan), b"x", lambda *_: 1.0, "spot", "element",
    ("O",), ["O", "O"], ["Xx"], [[1]], "O",
]  # fmt: skip
Call = tuple[Callable[..., xr.Dataset], dict[str, Any]]


@pytest.fixture(scope="module")
def calls() -> dict[str, Call]:
    rng = np.random.default_rng(2)
    peaks = 900 * np.exp(-((ENERGY - 1182) ** 2) / 800) + 900 * np.exp(-((ENERGY - 2557) ** 2) / 800)
    series = spectra.spectrum(
        ENERGY, rng.poisson(20 + peaks, (4, ENERGY.size)), technique="LEIS", simulated="true", dims=("cycle",)
    ).assign_coords(cycle=np.arange(4))
    fit = leis.fit(series, leis.Recipe(elements=("O", "Zr"), foot=False))
    table, factors = leis.normalise(fit), leis.sensitivity(fit, "ZrO2")
    return {
        "normalise": (leis.normalise, {"fit": fit}),
        "depth_profile": (leis.depth_profile, {"fit": fit}),
        "sensitivity": (leis.sensitivity, {"references": fit, "compositions": "ZrO2"}),
        "composition": (leis.composition, {"fit": fit, "sensitivity": factors}),
        "area_ratio": (leis.area_ratio, {"one": table, "other": table}),
        "first_detected": (leis.first_detected, {"table": table, "along": "cycle"}),
        "sensitivity_from_cross_sections": (leis.sensitivity_from_cross_sections, {"elements": ("O", "Zr")}),
    }


PARAMETERS = {
    "normalise": ["fit", "exclude", "spot_dim", "sensitivity", "blanks", "level", "model_uncertainty", "area_model_unc",
                  "force", "progress"],
    "depth_profile": ["fit", "exclude", "along", "spot_dim", "sensitivity", "blanks", "level", "model_uncertainty",
                      "force", "progress"],
    "sensitivity": ["references", "compositions", "relative_to", "exclude", "model_uncertainty", "force"],
    "composition": ["fit", "sensitivity", "exclude", "spot_dim", "blanks", "level", "model_uncertainty", "force"],
    "area_ratio": ["one", "other", "factor", "variable"],
    "first_detected": ["table", "along", "level", "method"],
    "sensitivity_from_cross_sections": ["elements", "ion", "energy", "angle", "incidence", "velocity", "velocity_unc",
                                        "transmission", "relative_unc", "relative_to", "potential"],
}  # fmt: skip


def outcome(call: Callable[..., xr.Dataset], given: dict[str, Any]) -> xr.Dataset | SurfspecError:
    try:
        return call(**given)
    except SurfspecError as error:
        return error


@pytest.mark.parametrize(("name", "parameter"), [(name, one) for name, some in PARAMETERS.items() for one in some])
def test_every_refusal_says_where_and_what_to_do(calls: dict[str, Call], name: str, parameter: str) -> None:
    call, given = calls[name]
    refused = 0
    for bad in BAD:
        found = outcome(call, given | {parameter: bad})
        if isinstance(found, SurfspecError):
            refused += 1
            assert found.remedy, (parameter, bad)
            assert found.where or type(found) is not InputError, (parameter, bad, str(found))
        else:
            assert found.attrs["kind"] == "table"
    assert refused > len(BAD) / 2


@pytest.mark.parametrize(
    ("name", "parameter", "bad"),
    [
        ("sensitivity", "exclude", ("na",)),
        ("sensitivity", "exclude", None),
        ("composition", "exclude", ("zr",)),
        ("normalise", "exclude", ("Zr ",)),
        ("normalise", "blanks", True),
        ("normalise", "blanks", {"zr": 1}),
        ("normalise", "sensitivity", {"zr": 2.0}),
        ("normalise", "model_uncertainty", {"zr": 0.1}),
        ("normalise", "model_uncertainty", 1e300),
        ("normalise", "model_uncertainty", float("nan")),
        ("normalise", "model_uncertainty", -1),
        ("composition", "model_uncertainty", float("inf")),
        ("depth_profile", "progress", 1),
        ("normalise", "force", "no"),
        ("area_ratio", "factor", "2"),
        ("sensitivity_from_cross_sections", "transmission", "E"),
        ("sensitivity_from_cross_sections", "elements", []),
    ],
)
def test_silence_is_no_answer(calls: dict[str, Call], name: str, parameter: str, bad: object) -> None:
    call, given = calls[name]
    with pytest.raises(InputError) as caught:
        call(**(given | {parameter: bad}))
    assert parameter in caught.value.where
    if isinstance(bad, tuple | dict) and name not in ("composition",):
        assert "O, Zr" in caught.value.remedy


def test_numbers_of_numpy_are_numbers() -> None:
    assert given.number(np.int64(2), "x") == 2.0
    assert given.number(np.array(0.5), "x") == 0.5
    assert checks.names(np.array(["O"]), ("O", "Zr"), "exclude") == ("O",)
    assert given.switch(np.True_, "force") is True
    for bad in (np.nan, 1.0001, -0.1, "1", np.array([0.5]), True):
        with pytest.raises(InputError, match="from 0 to 1"):
            given.number(bad, "x", low=0.0, high=1.0)
    with pytest.raises(InputError, match="above 0"):
        given.number(0.0, "x", low=0.0, above=True)
