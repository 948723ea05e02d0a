"""Numbers, units and chemical names as text: one spelling for pictures, summaries and reports.

Rounding (GUM, JCGM 100:2008, 7.2.6: one or two digits of the uncertainty): the uncertainty keeps two
significant digits when these are below 25 and one otherwise; the value ends at the same decimal place.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from surfspec.errors import InputError

#: Parts of units of the schema -> how they are written for people; the rest as it is, with superscripts.
_UNIT_TEXT: Final[Mapping[str, str]] = {
    "1": "", "deg": "°", "degC": "°C", "angstrom": "Å", "percent": "%", "um": "µm",
    "counts/s eV": "eV·counts/s", "counts/s deg": "°·counts/s", "deg-1": "1/°",
}  # fmt: skip

#: Two leading digits of the uncertainty below this number are both kept.
TWO_DIGITS_BELOW: Final = 25

_SCIENTIFIC_FROM: Final = 1e6
_SCIENTIFIC_BELOW: Final = 1e-3
#: An uncertainty smaller than this part of the value is below the digits of a float.
_FLOAT_DIGITS: Final = 1e-14

_SUPERSCRIPT: Final = str.maketrans("+-−0123456789", "⁺⁻⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

_SYMBOLS: Final = (
    "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y Zr Nb "
    "Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au "
    "Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U"
)
_SYMBOL = "(?:" + "|".join(sorted(_SYMBOLS.split(), key=len, reverse=True)) + ")"
_AMOUNT = r"(?:\d+(?:\.\d+)?)"
_FORMULA = re.compile(
    rf"(?<![A-Za-z0-9])(?:{_SYMBOL}{_AMOUNT}?|\((?:{_SYMBOL}{_AMOUNT}?)+\){_AMOUNT}?){{2,}}(?![A-Za-z0-9])"
)
_ION = re.compile(rf"(?<![A-Za-z0-9])({_SYMBOL})(\d?)([+\-−])(?![A-Za-z0-9])")
_UNIT_WORD = re.compile(r"([A-Za-z%]+)(-?\d+)?")
_SUBSHELL = re.compile(r"(\d[spdf])(\d/2)(?!\d)")


def unit_text(unit: str) -> str:
    """Write a unit of the schema for people.

    Parameters
    ----------
    unit
        A member of ``surfspec.schema.UNITS``; others pass through unchanged.

    Returns
    -------
    str
        Empty for the unit one.

    Examples
    --------
    >>> unit_text("ions/cm2"), unit_text("deg"), unit_text("1")
    ('ions/cm²', '°', '')
    """
    if unit in _UNIT_TEXT:
        return _UNIT_TEXT[unit]
    product = unit.replace("counts ", "counts·").replace("arb. units ", "arb. units·")
    return _UNIT_WORD.sub(_unit_word, product)


def value_text(value: float, unc: float = math.nan, unit: str = "1", *, style: str = "short") -> str:
    """Write a value with its standard uncertainty, rounded by the rule of this module.

    The uncertainty keeps two significant digits when they are below 25 (0.012, 0.24) and one otherwise
    (0.03, 0.5). Values from 1e6 on and below 1e-3 are written with a power of ten.

    Parameters
    ----------
    value
        The value. NaN is written ``not determined``.
    unc
        One standard uncertainty, in the unit of the value. NaN or infinite: the value with ``(not determined)``.
        Zero: the value with ``(fixed)``.
    unit
        A unit of the schema.
    style
        ``"short"`` puts the uncertainty of the last digits in brackets, 182.40(3), where it is below one unit of the
        last digit before the decimal point, and writes ± otherwise; ``"plusminus"`` always writes ±.

    Returns
    -------
    str
        One line of text.

    Raises
    ------
    InputError
        For a negative uncertainty or an unknown style.

    References
    ----------
    JCGM 100:2008 (GUM), 7.2.2 and 7.2.6.

    Examples
    --------
    >>> value_text(182.4031, 0.0312, "eV")
    '182.40(3) eV'
    >>> value_text(182.4031, 0.0312, "eV", style="plusminus")
    '(182.40 ± 0.03) eV'
    >>> value_text(15300, 212, "counts eV")
    '(15300 ± 210) counts·eV'
    >>> value_text(2.553e-16, 0.07e-16, "cm2")
    '2.55(7)×10⁻¹⁶ cm²'
    >>> value_text(1.34, float("nan"), "eV"), value_text(1.5, 0.0), value_text(float("nan"))
    ('1.34 eV (not determined)', '1.5 (fixed)', 'not determined')
    """
    if style not in {"short", "plusminus"}:
        raise InputError(f"unknown style {style!r}", where="value_text", remedy="Use 'short' or 'plusminus'")
    value, unc = float(value), float(unc)
    if unc < 0:
        raise InputError(
            f"the uncertainty is {unc:g}", where="value_text", remedy="Pass a standard uncertainty, positive or zero"
        )
    if not math.isfinite(value):
        return "not determined"
    if not math.isfinite(unc):
        return f"{with_unit(number_text(value), unit)} (not determined)"
    if unc == 0:
        return f"{with_unit(number_text(value), unit)} (fixed)"
    if unc < _FLOAT_DIGITS * abs(value):
        return with_unit(f"{number_text(value, 15)} ± {number_text(unc, 1)}", unit)
    return _rounded(value, unc, unit, style)


def number_text(value: float, digits: int = 5) -> str:
    """Write a number that has no uncertainty, with at most `digits` significant digits.

    Parameters
    ----------
    value
        Any float; NaN is written ``n/a``.
    digits
        Significant digits; trailing zeros are dropped.

    Returns
    -------
    str
        Plain, or with a power of ten from 1e6 on and below 1e-3.

    Examples
    --------
    >>> number_text(1486.6), number_text(1.6e15), number_text(0.0)
    ('1486.6', '1.6×10¹⁵', '0')
    """
    value = float(value)
    if not math.isfinite(value):
        return "n/a"
    if value == 0:
        return "0"
    if _SCIENTIFIC_BELOW <= abs(value) < _SCIENTIFIC_FROM:
        return _minus(f"{float(f'{value:.{digits}g}'):.12g}")
    mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
    return f"{_minus(f'{float(mantissa):g}')}{power_text(int(exponent))}"


def with_unit(number: str, unit: str) -> str:
    """Put a unit of the schema behind a number: a degree sign without space, others with one."""
    written = unit_text(unit)
    if not written:
        return number
    return f"{number}{written}" if written == "°" else f"{number} {written}"


def power_text(exponent: int) -> str:
    """Write a power of ten as a factor: ``×10¹⁵``, empty for 10⁰."""
    return f"×10{str(exponent).translate(_SUPERSCRIPT)}" if exponent else ""


def rich_text(text: str, *, chemistry: bool = False) -> tuple[str, bool]:
    r"""Set the subscripts of subshells, and of formulas where asked, as mathtext.

    Text with a dollar sign or a backslash is never read as mathematics.

    Parameters
    ----------
    text
        A label.
    chemistry
        Also set formulas of two or more elements (``Na3PO4``) and the charge of ions (``Zr4+``); only for text that is
        known to be chemical, never for the name of a sample.

    Returns
    -------
    tuple of str and bool
        The label and whether matplotlib may parse it as mathtext.

    Examples
    --------
    >>> rich_text("Zr 3d5/2")
    ('Zr 3d$_{5/2}$', True)
    >>> rich_text("a_b $x$")
    ('a_b $x$', False)
    >>> rich_text("m-ZrO2", chemistry=True)
    ('m-ZrO$_{2}$', True)
    """
    if "$" in text or "\\" in text:
        return text, False
    done = _SUBSHELL.sub(r"\1$_{\2}$", text)
    if chemistry:
        done = _ION.sub(lambda match: f"{match[1]}{(match[2] + match[3]).translate(_SUPERSCRIPT)}", done)
        done = _FORMULA.sub(lambda match: re.sub(_AMOUNT, r"$_{\g<0>}$", match.group()), done)
    return done, done != text


def _unit_word(match: re.Match[str]) -> str:
    name, power = match.group(1), match.group(2) or ""
    return f"{_UNIT_TEXT.get(name, name)}{power.translate(_SUPERSCRIPT)}"


def _rounded(value: float, unc: float, unit: str, style: str) -> str:
    last = _last_place(unc)
    size = max(abs(value), unc)
    scientific = not _SCIENTIFIC_BELOW <= size < _SCIENTIFIC_FROM
    exponent = math.floor(math.log10(size)) if scientific else 0
    shift, quantum = Decimal(1).scaleb(-exponent), Decimal(1).scaleb(last - exponent)
    rounded = _to_place(Decimal(repr(value)) * shift, quantum)
    spread = _to_place(Decimal(repr(unc)) * shift, quantum)
    if scientific and max(abs(rounded), spread) >= 10:  # 9.6 ± 4 is 10 ± 4: one power more, 1.0 ± 0.4
        exponent, quantum = exponent + 1, quantum.scaleb(-1)
        rounded, spread = rounded.scaleb(-1), spread.scaleb(-1)
    power = power_text(exponent)
    if style == "short" and spread < 1:
        digits = int(spread / quantum)
        return with_unit(f"{_minus(f'{rounded:f}')}({digits}){power}", unit)
    text = f"{_minus(f'{rounded:f}')} ± {spread:f}"
    return with_unit(f"({text}){power}", unit) if power or unit_text(unit) else text


def _last_place(unc: float) -> int:
    """Power of ten of the last digit of the uncertainty that is kept."""
    exponent = Decimal(repr(unc)).adjusted()
    two = int(_to_place(Decimal(repr(unc)).scaleb(1 - exponent), Decimal(1)))
    if two >= 100:
        exponent, two = exponent + 1, 10
    return exponent - 1 if two < TWO_DIGITS_BELOW else exponent


def _to_place(number: Decimal, quantum: Decimal) -> Decimal:
    steps = (number / quantum).quantize(Decimal(1), rounding=ROUND_HALF_EVEN)
    result = steps * quantum
    return abs(result.quantize(min(quantum, Decimal(1)))) if result == 0 else result.quantize(min(quantum, Decimal(1)))


def _minus(number: str) -> str:
    return number.replace("-", "−")
