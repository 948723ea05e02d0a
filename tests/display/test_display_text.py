"""Numbers with uncertainties, units and chemical names."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surfspec import schema
from surfspec.display.text import number_text, rich_text, unit_text, value_text
from surfspec.errors import InputError

SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹−", "-0123456789-")


def read_back(text: str) -> tuple[float, float]:
    """Read value and uncertainty out of a text of either style."""
    power = re.search(r"×10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)", text)
    factor = 10.0 ** int(power.group(1).translate(SUPERSCRIPTS)) if power else 1.0
    body = re.sub(r"×10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+", "", text).translate(SUPERSCRIPTS)
    if "±" in body:
        value, unc = body.strip("()").split("±")
        return float(value) * factor, float(unc) * factor
    found = re.fullmatch(r"(-?[\d.]+)\((\d+)\)", body)
    assert found, text
    decimals = len(found.group(1).partition(".")[2])
    return float(found.group(1)) * factor, int(found.group(2)) * 10.0**-decimals * factor


@pytest.mark.parametrize(
    ("value", "unc", "text"),
    [
        (182.4031, 0.0312, "182.40(3)"),
        (182.4031, 0.0149, "182.403(15)"),
        (182.4031, 0.0244, "182.403(24)"),
        (182.4031, 0.0246, "182.40(2)"),
        (0.0962, 0.0962, "0.10(10)"),
        (9.96, 0.996, "10.0 ± 1.0"),
        (15300, 212, "15300 ± 210"),
        (12345, 870, "12300 ± 900"),
        (6.4e15, 0.3e15, "6.4(3)×10¹⁵"),
        (-1.234e-5, 2.3e-7, "−1.234(23)×10⁻⁵"),
        (1e15, 3e16, "(0 ± 3)×10¹⁶"),
        (0.0, 0.03, "0.00(3)"),
        (-0.001, 0.03, "0.00(3)"),
    ],
)
def test_the_rounding_rule(value: float, unc: float, text: str) -> None:
    assert value_text(value, unc) == text


@given(
    value=st.floats(-1e12, 1e12, allow_subnormal=False),
    unc=st.floats(1e-9, 1e12),
    style=st.sampled_from(["short", "plusminus"]),
)
def test_what_is_written_can_be_read_back_within_the_rounding(value: float, unc: float, style: str) -> None:
    if unc < 1e-12 * abs(value):
        return
    got, spread = read_back(value_text(value, unc, style=style))
    # the last digit is at most 10/25 of the uncertainty, so neither is off by more than half of that
    assert abs(got - value) <= 0.2001 * unc + 1e-12 * abs(value)
    assert abs(spread - unc) <= 0.2001 * unc


@given(unc=st.floats(1e-9, 1e9))
def test_at_most_two_digits_of_the_uncertainty(unc: float) -> None:
    digits = re.search(r"\((\d+)\)", value_text(1.0e9, unc))
    if digits:
        number = int(digits.group(1))
        assert number < 25 or number % 10 == 0 or number < 10


def test_missing_and_fixed_numbers_say_so() -> None:
    assert value_text(1.5, math.nan, "eV") == "1.5 eV (not determined)"
    assert value_text(1.5, math.inf) == "1.5 (not determined)"
    assert value_text(1.5, 0.0, "eV") == "1.5 eV (fixed)"
    assert value_text(math.nan, 0.1, "eV") == "not determined"
    assert value_text(5.0, 1e-30) == "5 ± 1×10⁻³⁰"


def test_units_and_styles() -> None:
    assert value_text(28.1712, 0.0031, "deg") == "28.171(3)°"
    assert value_text(182.4, 0.03, "eV", style="plusminus") == "(182.40 ± 0.03) eV"
    assert value_text(0.85, 0.03, "1", style="plusminus") == "0.85 ± 0.03"
    assert value_text(2.5e-16, 7e-18, "cm2") == "2.50(7)×10⁻¹⁶ cm²"


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(InputError, match="uncertainty is -1"):
        value_text(1.0, -1.0)
    with pytest.raises(InputError, match="unknown style"):
        value_text(1.0, 1.0, style="latex")


def test_no_unit_of_the_schema_shows_a_bare_power() -> None:
    for unit in schema.UNITS:
        assert not re.search(r"[a-z][-]?\d", unit_text(unit)), unit


@pytest.mark.parametrize(
    ("value", "text"),
    [(1486.6, "1486.6"), (1.6e15, "1.6×10¹⁵"), (-0.5, "−0.5"), (0, "0"), (999999.9, "1000000"), (math.nan, "n/a")],
)
def test_plain_numbers(value: float, text: str) -> None:
    assert number_text(value) == text


@pytest.mark.parametrize(
    ("text", "chemistry", "written"),
    [
        ("Zr 3d5/2", False, "Zr 3d$_{5/2}$"),
        ("m-ZrO2", True, "m-ZrO$_{2}$"),
        ("Na3.4Zr2Si2.4P0.6O12", True, "Na$_{3.4}$Zr$_{2}$Si$_{2.4}$P$_{0.6}$O$_{12}$"),
        ("Na3V2(PO4)3", True, "Na$_{3}$V$_{2}$(PO$_{4}$)$_{3}$"),
        ("Pb", True, "Pb"),
        ("Zr4+", True, "Zr⁴⁺"),
        ("Na+", True, "Na⁺"),
        ("C-C", True, "C-C"),
        ("Zr4+", False, "Zr4+"),
        ("S1", True, "S1"),
        ("sample_2 of NZSP", True, "sample_2 of NZSP"),
        ("ZrO2", False, "ZrO2"),
        ("costs $5_a$ ZrO2", True, "costs $5_a$ ZrO2"),
        (r"a\b ZrO2", True, r"a\b ZrO2"),
    ],
)
def test_subscripts_only_where_they_belong(text: str, chemistry: bool, written: str) -> None:
    got, math_text = rich_text(text, chemistry=chemistry)
    assert got == written
    assert math_text == (got != text)
