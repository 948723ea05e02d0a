"""CasaXPS's names of line shapes and backgrounds, and the shapes and backgrounds of surfspec that they stand for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import log, pi, sqrt
from typing import Final

from surfspec.errors import InputError
from surfspec.fitting.lineshapes import shape
from surfspec.fitting.lineshapes.casa import EXPONENTS_LA
from surfspec.fitting.lineshapes.convolved import SIGMA
from surfspec.io.casa_types import CasaRegion
from surfspec.xps.background_choice import Background

_CALL: Final = re.compile(r"\s*([A-Za-z]+)\s*\(([^()]*)\)\s*(.*?)\s*")
_UNIVERSAL: Final = re.compile(r"U\s*[234]\s*(?:Poly\s*)?Tougaard", re.IGNORECASE)
#: Largest smoothing of LA: that of its form with one number, LA(m) = LA(1, 1, 1401 - 14.01 m).
LARGEST_SMOOTHING: Final = 1401.0
_GAUSS_TOP, _LORENTZ_TOP = 2.0 * sqrt(log(2.0) / pi), 2.0 / pi


@dataclass(frozen=True)
class ShapeChoice:
    """A shape of surfspec and the roles that CasaXPS fixes by its name; centre and ``fwhm`` are free."""

    shape: str
    widths: Mapping[str, float] = field(default_factory=dict)


def shape_of(text: str) -> ShapeChoice:
    r"""Return the shape that a name of CasaXPS stands for.

    ============================= ================= ==========================================================
    CasaXPS                       surfspec          roles
    ============================= ================= ==========================================================
    GL(m)                         gl_product        mixing = m / 100
    SGL(m)                        gl_sum            mixing = m / 100
    LA(a, b, n), LA(a, n), LA(m)  la                exponents, smoothing; LA(m) = LA(1, 1, 1401 - 14.01 m)
    LF(a, b, w, n), LF(.., n, k)  lf                exponents, damping, smoothing = n or n sqrt(k)
    ============================= ================= ==========================================================

    Parameters
    ----------
    text
        ``"GL(30)"``, ``"LA(1.53,243)"``, ...

    Returns
    -------
    ShapeChoice

    Raises
    ------
    InputError
        For a shape without a counterpart: tails ``T(k)``, ``DS``, ``A``, ``H``, ``F``, spectra used as components.

    References
    ----------
    CasaXPS manual, Line Shapes; CasaXPS Cookbook (2026), pp. 19, 65, 66 (the forms of LA with one and two numbers).

    Examples
    --------
    >>> shape_of("LA(1.53,243)").widths
    {'alpha': 1.53, 'beta': 1.53, 'smoothing': 243.0}
    """
    name, numbers = _call(text)
    count = len(numbers)
    if name in ("GL", "SGL") and count == 1 and 0.0 <= numbers[0] <= 100.0:
        return ShapeChoice("gl_product" if name == "GL" else "gl_sum", {"mixing": numbers[0] / 100.0})
    if name == "LA" and count in (1, 2, 3):
        alpha, beta, n = _la(numbers)
        if min(alpha, beta) < EXPONENTS_LA[0]:
            raise _without(text, "an exponent at or near 1/2 leaves its tail without an area", "LF, which damps it")
        return _inside(text, ShapeChoice("la", {"alpha": alpha, "beta": beta, "smoothing": n}))
    if name == "LF" and count in (4, 5):
        alpha, beta, w, n = numbers[:4]
        times = numbers[4] if count == 5 else 1.0
        widths = {"alpha": alpha, "beta": beta, "damping": w, "smoothing": n * sqrt(times)}
        return _inside(text, ShapeChoice("lf", widths))
    raise _without(text, "its formula is not known here", "GL, SGL, LA or LF")


def _inside(text: str, choice: ShapeChoice) -> ShapeChoice:
    """Refuse numbers that the formula of a shape does not take."""
    for role, value in choice.widths.items():
        low, high = shape(choice.shape).bounds[role]
        if not low <= value <= high:
            raise _without(text, f"its {role} is {value:g}", f"one from {low:g} to {high:g}")
    return choice


def _la(numbers: list[float]) -> tuple[float, float, float]:
    if len(numbers) == 1:
        return 1.0, 1.0, LARGEST_SMOOTHING * (1.0 - numbers[0] / 100.0)
    return (numbers[0], numbers[-2], numbers[-1])


def _call(text: str) -> tuple[str, list[float]]:
    found = _CALL.fullmatch(text)
    if found is None or found.group(3):
        return "", []
    try:
        return found.group(1).upper(), [float(word) for word in found.group(2).split(",")]
    except ValueError:
        return "", []


def _without(text: str, why: str, instead: str) -> InputError:
    return InputError(
        f"the line shape {text!r} has no counterpart: {why}", where=text, remedy=f"Refit it in CasaXPS with {instead}"
    )


def shape_text(name: str, roles: Mapping[str, float]) -> tuple[str, float]:
    """Return CasaXPS's name of a shape and the FWHM that goes with it.

    A Voigt line becomes LA(1, 1, n); n of LA and LF is rounded to a whole number. A pseudo-Voigt line, whose areas are
    mixed, becomes the sum SGL with the mixing of its heights.

    Parameters
    ----------
    name
        Shape of surfspec.
    roles
        Its roles but for the centre.

    Returns
    -------
    text : str
    fwhm : float
        [eV]

    Raises
    ------
    InputError
        For a shape that CasaXPS does not have, and a Voigt line with next to no Lorentzian.

    Examples
    --------
    >>> shape_text("gl_sum", {"fwhm": 1.2, "mixing": 0.3})
    ('SGL(30)', 1.2)
    >>> shape_text("voigt", {"fwhm_gauss": 0.8, "fwhm_lorentz": 0.4})[0]
    'LA(1,1,288)'
    """
    fwhm = roles.get("fwhm", 0.0)
    if name in ("gaussian", "lorentzian"):
        return ("GL(0)" if name == "gaussian" else "GL(100)"), fwhm
    if name in ("gl_product", "gl_sum", "pseudo_voigt"):
        m = roles["mixing"]
        if name == "pseudo_voigt":
            m = m * _LORENTZ_TOP / (m * _LORENTZ_TOP + (1.0 - m) * _GAUSS_TOP)
        return f"{'GL' if name == 'gl_product' else 'SGL'}({100.0 * m:.6g})", fwhm
    if name == "la":
        return f"LA({roles['alpha']:.6g},{roles['beta']:.6g},{round(roles['smoothing'])})", fwhm
    if name == "lf":
        exponents = f"{roles['alpha']:.6g},{roles['beta']:.6g}"
        return f"LF({exponents},{roles['damping']:.6g},{round(roles['smoothing'])})", fwhm
    if name == "voigt":
        return _voigt_text(roles["fwhm_gauss"], roles["fwhm_lorentz"])
    raise InputError(
        f"CasaXPS has no shape {name!r} that is known here",
        where=name,
        remedy="Fit with gl_sum, gl_product, pseudo_voigt, voigt, la or lf",
    )


def _voigt_text(gauss: float, lorentz: float) -> tuple[str, float]:
    total = shape("voigt").width(0.0, gauss, lorentz)[0]
    if lorentz == 0.0:
        return "GL(0)", total
    n = gauss / sqrt(8.0 * log(2.0)) / lorentz / SIGMA
    if n > LARGEST_SMOOTHING:
        raise InputError(
            f"a Voigt line of {gauss:.3g} eV Gauss and {lorentz:.3g} eV Lorentz is LA(1,1,{n:.0f}), beyond the "
            f"{LARGEST_SMOOTHING:.0f} that CasaXPS has",
            where="voigt",
            remedy="Fit with gl_sum or pseudo_voigt",
        )
    return f"LA(1,1,{round(n)})", total


def background_of(region: CasaRegion) -> Background:
    """Return the background that a region of CasaXPS has.

    Linear, Shirley and the universal Tougaard backgrounds: CasaXPS's own rule for Shirley, and the factor B such that
    the background reaches the upper level, as CasaXPS has it. The averaging width 2 is the mean of three points centred
    on the limit (seen in an exported background); other widths w are taken as 2 [w/2] + 1 points (unverified).

    Parameters
    ----------
    region
        As read.

    Raises
    ------
    InputError
        For another background, for offsets of the end levels and for cross-sections that surfspec has no formula for.

    Examples
    --------
    >>> background_of(CasaRegion("C 1s", "Shirley", 1195.0, 1206.0)).options
    {'average': 3, 'rule': 'casa'}
    """
    name = region.background.strip()
    if region.start_offset or region.end_offset:
        offsets = f"offsets of {region.start_offset:g} and {region.end_offset:g} %"
        raise _no_background(region, f"{offsets} of its end levels")
    points = 2 * (max(region.average, 1) // 2) + 1
    if name.lower() == "linear":
        return Background("linear", {"average": points}, below_tails=False)
    if name.lower() == "shirley":
        return Background("shirley_iterative", {"average": points, "rule": "casa"}, below_tails=False)
    if name.lower() in ("none", "zero"):
        return Background("none", below_tails=False)
    if _UNIVERSAL.fullmatch(name):
        return Background("tougaard", _tougaard(region, points), below_tails=False)
    raise _no_background(region, "its formula is not known here")


def _tougaard(region: CasaRegion, points: int) -> dict[str, str | float]:
    _, c, d, gap = region.cross_section
    if c < 0.0 and d == 0.0 and gap == 0.0:
        return {"cross_section": "U2", "C": -c, "average": points}
    if c > 0.0 and d > 0.0:
        own: dict[str, str | float] = {"cross_section": "U3", "C": c, "D": d, "average": points}
        return own | {"cross_section": "U4", "gap": gap} if gap > 0.0 else own
    raise _no_background(region, f"C = {c:g}, D = {d:g}, gap = {gap:g}")


def _no_background(region: CasaRegion, why: str) -> InputError:
    return InputError(
        f"the background {region.background!r} of {region.name!r} has no counterpart: {why}",
        where=region.name,
        remedy="Choose Linear, Shirley or a universal Tougaard background without offsets in CasaXPS",
    )


def background_text(background: Background) -> tuple[str, int, str]:
    """Return CasaXPS's name of a background, the averaging width, and what is different there.

    Parameters
    ----------
    background
        Of a recipe.

    Raises
    ------
    InputError
        For a background that CasaXPS does not have.

    Examples
    --------
    >>> background_text(Background("linear", {"average": 3}, below_tails=False))
    ('Linear', 2, '')
    """
    points = int(background.options.get("average", 11))
    width = max(points - 1, 1)
    note = "its end levels lie below the tails of the peaks here, at the data there" if background.below_tails else ""
    if background.kind == "linear":
        return "Linear", width, note
    if background.kind in ("shirley", "shirley_iterative", "smart"):
        own = background.kind == "shirley_iterative" and background.options.get("rule") == "casa"
        other = "" if own else f"{background.kind} becomes Shirley by CasaXPS's own rule"
        return "Shirley", width, "; ".join(n for n in (other, note) if n)
    if background.kind == "tougaard":
        which = str(background.options.get("cross_section", "U2"))
        return ("U 2 Tougaard" if which == "U2" else "U 3 Tougaard"), width, ""
    raise InputError(
        f"CasaXPS has no background {background.kind!r} that is known here",
        where="background",
        remedy="Fit with linear, shirley_iterative or tougaard",
    )
