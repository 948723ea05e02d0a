"""From which dose on: gaps are named, the rule is named, and no chance is smaller than what blanks can tell."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray

from surfspec import leis, schema
from surfspec.errors import InputError
from surfspec.leis.amounts.blank_tail import FAR, held
from surfspec.leis.amounts.blanks import Blank, blank_p_value

Array = NDArray[np.float64]


def table(p: list[float], **attrs: str) -> xr.Dataset:
    one = {"units": "1", "long_name": "x"}
    values = np.array(p)[:, None]
    doses = ("dose", 1.6e15 * np.arange(1, len(p) + 1), {"units": "ions/cm2", "long_name": "dose"})
    return xr.Dataset(
        {
            "p_value": (("dose", "element"), values, one),
            "upper_limit": (("dose", "element"), np.where(values < 0.05, np.nan, 0.02), one),
        },
        coords={"dose": doses, "element": ["Si"]},
        attrs={"kind": "table", "technique": "LEIS", "level": 0.05, **attrs},
    )


@pytest.mark.parametrize(
    ("p", "sentence"),
    [
        (
            [0.4, 1e-3, np.nan, 1e-4],
            (
                "Si: not detected up to 1.6e+15 ions/cm2 (limit 0.02), detected from 3.2e+15 ions/cm2 on (p = 0.001); "
                "no answer at 4.8e+15 ions/cm2"
            ),
        ),
        ([np.nan, 0.3, 0.2], "Si: not detected up to 4.8e+15 ions/cm2 (limit 0.02); no answer at 1.6e+15 ions/cm2"),
        ([1e-9, 1e-17], "Si: detected from 1.6e+15 ions/cm2 on (p < 1e-06)"),
        ([np.nan, np.nan], "Si: no spectrum tells"),
    ],
)
def test_sentences(p: list[float], sentence: str) -> None:
    found = leis.first_detected(table(p))
    schema.check(found, "table")
    assert found.statement.item() == sentence


def test_the_rule_is_in_the_sentence() -> None:
    told = leis.first_detected(table([0.3, 1e-3], asked="likelihood, and value above its total uncertainty"))
    assert told.statement.item().endswith("(p = 0.001); asked: likelihood, and value above its total uncertainty")
    assert told.attrs["asked"].startswith("likelihood")


def test_rules_of_the_two_tables_differ(sample: xr.Dataset, film: xr.Dataset) -> None:
    by_value = leis.first_detected(leis.normalise(sample, exclude=("Na",), blanks={"Zr": film}))
    by_blank = leis.first_detected(leis.detect(sample, elements=("Zr",), over="spot", blanks={"Zr": film}))
    one, other = (str(found.statement.sel(element="Zr").values).split("asked: ")[1] for found in (by_value, by_blank))
    assert one == "likelihood, and value above its total uncertainty, and above the blank for Zr"
    assert other == "likelihood with the background free, and above the blank for Zr"
    assert "total uncertainty" not in other


def test_orders_that_are_none() -> None:
    with pytest.raises(InputError, match="not made of numbers"):
        leis.first_detected(table([0.1, 0.2]).assign_coords(dose=["a", "b"]))


def test_chances_by_few_blanks_are_not_smaller_than_student_allows() -> None:
    """Normal blanks of unknown mean and scatter: the chance of a chance below alpha is at most alpha."""
    rng = np.random.default_rng(3)
    for n in (3, 6, 12):
        trials = 20000
        blanks, seen = rng.standard_normal((trials, n)), rng.standard_normal((trials, 2)) + 0.0
        unc = np.full(n, 1e-9)
        found = np.array([held(0.0, one, Blank(b, unc)) for one, b in zip(seen, blanks, strict=True)])
        for alpha in (5e-4, 2e-4):
            rate = np.mean(found < alpha)
            assert rate < alpha + 4 * np.sqrt(alpha / trials)
    assert held(0.01, np.array([9.0]), Blank(np.array([0.0, 1.0, 2.0]), np.ones(3))) == 0.01  # decisions stay
    flat = Blank(np.zeros(4), np.ones(4))
    assert held(1e-20, np.array([9.0]), flat) == FAR
    twelve = Blank(0.002 * rng.standard_normal(12), np.full(12, 1e-3))
    far = np.array([0.04])
    assert blank_p_value(far, np.array([1e-3]), twelve) < held(0.0, far, twelve)
    assert held(0.0, far, twelve) > 1e-12
