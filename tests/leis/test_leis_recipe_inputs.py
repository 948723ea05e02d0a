"""What a LEIS recipe, the kinematics and the planning refuse, and how."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from surfspec import leis
from surfspec.errors import InputError, SurfspecError
from surfspec.leis.model import SpectrumModel
from surfspec.leis.planning.information import resolution_of
from surfspec.leis.spectrum.background_variants import variants_of
from surfspec.recipes import load_yaml

NAN = float("nan")
STRANGE: tuple[Any, ...] = (None, True, "", "abc", NAN, 1e300, [], [NAN], {"Zz": 1.0}, object(), 3 + 4j, 10**400, b"x")
PEAKS = {"Ni": (2300.0, 0.3), "Pd": (2580.0, 0.3), "Au": (2770.0, 0.3)}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("acceptance", (-5.0, NAN, "abc", None, True)),
        ("thermal_energy", (-1.0, NAN, 1e300, "abc")),
        ("transmission", (True, "abc", NAN, [[1.0, 1.0], [2.0, 1.0]], [1.0, 2.0])),
        ("foot", ("no", None, 1)),
        ("isotopes", ("no",)),
        ("slope", ("no",)),
        ("sputter_decay", (1e-300, 0.0, NAN, "abc", 1e300)),
        ("window", ("abc", (1.0,), (2000.0, 900.0), (NAN, 1.0), ("a", "b"))),
        ("potential", ("abc", None, ["ZBL"])),
        ("inelastic_loss", (None, "", {"O": -1.0}, {"O": None}, {"O": "x"}, {"Zz": 1.0})),
        ("offset", (None, 3.0, ("a", "b"), (NAN, 1.0), (2.0, 1.0))),
        ("tail", ((0.0, 5.0), "abc")),
        ("lag_range", ((-1.0, 5.0),)),
        ("lag", (True, "Zr", [1], ["Pb"])),
        ("elements", (None, 3.0, [None], object())),
        ("gain", (None, "1", 0.0, 1e300)),
        ("energy", (None, [], "3000", 1e300, 1e-300)),
        ("ion", (None, [], 4)),
    ],
)
def test_a_recipe_refuses_at_once(name: str, values: tuple[Any, ...]) -> None:
    for value in values:
        with pytest.raises(SurfspecError) as caught:
            leis.Recipe(**{"elements": ("O", "Zr"), name: value})
        assert caught.value.where
        assert caught.value.remedy


@pytest.mark.parametrize(
    "line",
    ["acceptance: -5", "thermal_energy: -1", "foot: 'no'", "potential: abc", "inelastic_loss: {O: -10}", "window: abc",
     "sputter_decay: 1e-300", "transmission: true", "transmission: [[1, 1], [2, 1]]", "gain: 0"],
)  # fmt: skip
def test_yaml_is_refused_with_its_place(line: str) -> None:
    with pytest.raises(SurfspecError, match=":2:"):
        load_yaml(f"elements: [O]\n{line}\n", leis.Recipe)


@pytest.mark.parametrize("found", [None, ["offset"], {"offset": "x"}, {"offset": NAN}, {"gain": 1.0}])
def test_instruments_that_are_none(found: Any) -> None:
    with pytest.raises(InputError) as caught:
        leis.Recipe(elements=("O",)).with_instrument(found)
    assert caught.value.where


@pytest.mark.parametrize(
    ("function", "given", "names"),
    [
        (leis.elastic_energy, {"element": "O"}, ("element", "ion", "energy", "angle", "loss", "branch")),
        (leis.cross_section, {"element": "O"}, ("element", "energy", "potential", "screening_factor", "branch")),
        (leis.calibrate, {"measured": PEAKS, "energy": 3000.0, "angle": 145.0}, ("energy", "gain", "offset", "free")),
        (leis.candidates, {"energies": [1180.0]}, ("energies", "energy_unc", "resolution", "loss", "ion")),
        (leis.line_table, {}, ("ion", "energy", "angle", "loss")),
        (leis.forecast, {"what": ["Al", "Si"], "counts": 1e4, "fwhm": 60.0}, ("what", "step", "background", "limit")),
        (
            leis.better_projectile,
            {"pair": ("Al", "Si"), "projectiles": [("4He", 3000.0)]},
            ("pair", "projectiles", "acceptance", "thermal_energy", "resolution", "counts"),
        ),
    ],
)
def test_strange_arguments_never_end_in_a_traceback(
    function: Callable[..., Any], given: dict[str, Any], names: tuple[str, ...]
) -> None:
    refused = 0
    for name in names:
        for value in STRANGE:
            try:
                function(**{**given, name: value})
            except SurfspecError as error:
                refused += bool(error.where) and bool(error.remedy)
    # defaults such as None, True for a truth value and the like may pass
    assert refused > 0.6 * len(names) * len(STRANGE)


def test_a_negative_loss_is_none() -> None:
    with pytest.raises(InputError, match="loss is -50"):
        leis.elastic_energy("O", loss=-50.0)


@pytest.mark.parametrize("shape", ["gaussian", "box", "cone"])
def test_a_forecast_knows_the_shape_of_the_accepted_angles(shape: Any) -> None:
    recipe = leis.Recipe(elements=("O",), acceptance=8.0, acceptance_shape=shape)
    model = SpectrumModel(recipe, np.arange(600.0, 1700.0, 2.0))
    resolution = resolution_of(model, 60.0)
    sigma = model.widths("O", {"resolution": resolution, "tail": 0.0})[0]
    assert sigma * np.sqrt(8.0 * np.log(2.0)) == pytest.approx(60.0, rel=1e-6)


def test_wide_acceptance_is_given_another_shape_in_a_check_of_the_model() -> None:
    narrow = leis.Recipe(elements=("O", "Zr"))
    assert not any(one.name.startswith("acceptance") for one in variants_of(narrow))
    wide = leis.Recipe(elements=("O", "Zr"), acceptance=10.0)
    (one,) = (one for one in variants_of(wide) if one.name.startswith("acceptance"))
    assert (one.name, one.recipe.acceptance_shape) == ("acceptance box", "box")
    # the standard deviation of uniform angles is their full width over the square root of 12
    assert one.recipe.acceptance == pytest.approx(10.0 / np.sqrt(8.0 * np.log(2.0)) * np.sqrt(12.0))
