"""The lines in which CasaXPS keeps an analysis: text to numbers and back."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Final

from surfspec.io.casa_types import CasaCalibration, CasaComponent, CasaNumber, CasaRegion

_NUMBER: Final = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_TAG: Final = re.compile(r"\(\*(.*?)\*\)")
_CALIB: Final = re.compile(
    rf"Calib\s+M\s*=\s*({_NUMBER})(?:\s*,\s*({_NUMBER}))?\s+A\s*=\s*({_NUMBER})\b(.*)", re.IGNORECASE
)
_HEAD: Final = re.compile(r"CASA\s+(region|comp)\s+\(\*(.*?)\*\)\s+\(\*(.*?)\*\)\s*(.*)")
_LIMITED: Final = rf"({_NUMBER})\s+({_NUMBER})\s+({_NUMBER})\s+(-?\d+)\s+({_NUMBER})"


class LineError(ValueError):
    """A line that begins like one of CasaXPS and does not go on like it."""


def kind_of_line(text: str) -> str:
    """Tell what a line is: ``region``, ``component``, ``calibration``, ``count`` or an empty text.

    Examples
    --------
    >>> kind_of_line("Calib M = 281.17 A = 284.8 BE ADD"), kind_of_line("4")
    ('calibration', 'count')
    """
    word = text.strip().lower()
    for begin, kind in (("casa region", "region"), ("casa comp", "component"), ("calib ", "calibration")):
        if word.startswith(begin):
            return kind
    return "count" if word.isdigit() else ""


def region_of(text: str, line: int = 0) -> CasaRegion:
    """Read a line ``CASA region``.

    Raises
    ------
    LineError
        Where it lacks its tags or numbers.

    Examples
    --------
    >>> region_of("CASA region (*C 1s*) (*Shirley*) 1193.3 1203.2 0.278 2 0 0 40.4 -450 0 0 (*C 1s*) 12.011").average
    2
    """
    head = _HEAD.match(text.strip())
    if head is None or head.group(1) != "region":
        raise LineError("no name and background between (* and *)")
    before, tag, after = _around_tag(head.group(4))
    numbers, rest = _floats(before), _floats(after)
    if len(numbers) < 3:
        raise LineError(f"{len(numbers)} numbers where two limits and a sensitivity factor are due")
    numbers += [2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0][len(numbers) - 3 :]
    low, high, rsf, average, start, end, *section = numbers[:10]
    return CasaRegion(
        name=head.group(2),
        background=head.group(3),
        low=min(low, high),
        high=max(low, high),
        rsf=rsf,
        average=int(average),
        start_offset=start,
        end_offset=end,
        cross_section=(section[0], section[1], section[2], section[3]),
        tag=tag,
        mass=rest[0] if rest else 0.0,
        uncorrected_rsf=rest[2] if len(rest) > 2 else math.nan,
        line=line,
    )


def component_of(text: str, line: int = 0) -> CasaComponent:
    """Read a line ``CASA comp``.

    Raises
    ------
    LineError
        Where it lacks its tags, or the area, width or position.

    Examples
    --------
    >>> one = component_of("CASA comp (*a*) (*GL(30)*) Area 9 0 99 -1 1 MFWHM 1 .2 5 -1 1 Position 1200 1199 1201 -1 1")
    >>> one.position.value, one.area.linked
    (1200.0, False)
    """
    head = _HEAD.match(text.strip())
    if head is None or head.group(1) != "comp":
        raise LineError("no name and line shape between (* and *)")
    rest = head.group(4)
    index = re.search(r"\bINDEX\s+(-?\d+)\s*(?:\(\*(.*?)\*\))?", rest)
    constraint = re.search(r"\bCONST\s*\(\*(.*?)\*\)", rest)
    return CasaComponent(
        name=head.group(2),
        shape=head.group(3),
        area=_limited("Area", rest),
        fwhm=_limited("M?FWHM", rest),
        position=_limited("Position", rest),
        rsf=_keyed("RSF", rest, 1.0),
        mass=_keyed("MASS", rest, 0.0),
        index=int(index.group(1)) if index else -1,
        tag=(index.group(2) or "") if index else "",
        constraint=constraint.group(1) if constraint else "",
        uncorrected_rsf=_keyed("UNCORRECTEDRSF", rest, math.nan),
        line=line,
    )


def calibration_of(text: str, line: int = 0) -> CasaCalibration:
    """Read a line ``Calib``.

    Raises
    ------
    LineError
        Where it has no measured and assigned energy.

    Examples
    --------
    >>> round(calibration_of("Calib M = 281.17 A = 284.8 BE ADD").shift, 2)
    3.63
    >>> calibration_of("Calib M = 280,281 A = 284.8 BE ADD").searched
    (280.0, 281.0)
    """
    found = _CALIB.match(text.strip())
    if found is None:
        raise LineError("no 'M = measured A = assigned'")
    first, second, assigned, words = found.groups()
    flags = words.split()
    kinetic = "KE" in {flag.upper() for flag in flags}
    return CasaCalibration(
        measured=_float(first) if second is None else math.nan,
        assigned=_float(assigned),
        kinetic=kinetic,
        flags=tuple(flag for flag in flags if flag.upper() not in {"BE", "KE"}),
        searched=None if second is None else (_float(first), _float(second)),
        line=line,
    )


def _around_tag(text: str) -> tuple[str, str, str]:
    found = _TAG.search(text)
    return (text, "", "") if found is None else (text[: found.start()], found.group(1), text[found.end() :])


def _floats(text: str) -> list[float]:
    words = text.split()
    if not all(re.fullmatch(_NUMBER, word) for word in words):
        bad = next(word for word in words if not re.fullmatch(_NUMBER, word))
        raise LineError(f"{bad[:30]!r} is not a number")
    return [_float(word) for word in words]


def _float(word: str) -> float:
    number = float(word)
    if not math.isfinite(number):
        raise LineError(f"{word[:30]!r} is beyond all numbers")
    return number


def _limited(key: str, text: str) -> CasaNumber:
    found = re.search(rf"\b{key}\s+{_LIMITED}(?=\s|$)", text)
    if found is None:
        raise LineError(f"no {key.lstrip('M?')} with its value, limits and tie")
    value, low, high, link, amount = found.groups()
    return CasaNumber(_float(value), _float(low), _float(high), int(link), _float(amount))


def _keyed(key: str, text: str, default: float) -> float:
    found = re.search(rf"\b{key}\s+({_NUMBER})", text)
    return _float(found.group(1)) if found else default


def _g(number: float) -> str:
    """Write a number so that it reads back the same."""
    short = f"{number:.8g}"
    return short if float(short) == number else repr(float(number))


def region_text(region: CasaRegion) -> str:
    """Write a region as CasaXPS does.

    Examples
    --------
    >>> region_text(CasaRegion("C 1s", "Shirley", 1193.5, 1203.0, 0.278, tag="C 1s", mass=12.011, uncorrected_rsf=0.3))
    'CASA region (*C 1s*) (*Shirley*) 1193.5 1203 0.278 2 0 0 0 0 0 0 (*C 1s*) 12.011 0 0.3'
    """
    numbers = (region.low, region.high, region.rsf, region.average, region.start_offset, region.end_offset)
    head = f"CASA region (*{region.name}*) (*{region.background}*)"
    body = " ".join(map(_g, (*numbers, *region.cross_section)))
    end = "" if math.isnan(region.uncorrected_rsf) else f" 0 {_g(region.uncorrected_rsf)}"
    return f"{head} {body} (*{region.tag}*) {_g(region.mass)}{end}"


def component_text(component: CasaComponent) -> str:
    """Write a component as CasaXPS does.

    Examples
    --------
    >>> free = CasaNumber(1.0, 0.5, 2.0)
    >>> one = CasaComponent("a", "GL(30)", free, free, CasaNumber(1200.0, 0, 0, 0, -1.3))
    >>> component_text(one).split("Position ")[1]
    '1200 0 0 0 -1.3 RSF 1 MASS 0 INDEX -1 (**) CONST (**)'
    """
    numbers = " ".join(
        f"{key} {_g(n.value)} {_g(n.low)} {_g(n.high)} {n.link} {_g(n.amount)}"
        for key, n in (("Area", component.area), ("MFWHM", component.fwhm), ("Position", component.position))
    )
    plain = component.uncorrected_rsf
    end = "" if math.isnan(plain) else f" UNCORRECTEDRSF {_g(plain)}"
    return (
        f"CASA comp (*{component.name}*) (*{component.shape}*) {numbers} RSF {_g(component.rsf)} "
        f"MASS {_g(component.mass)} INDEX {component.index} (*{component.tag}*) CONST (*{component.constraint}*){end}"
    )


def calibration_text(calibration: CasaCalibration) -> str:
    """Write a calibration as CasaXPS does.

    Examples
    --------
    >>> calibration_text(CasaCalibration(281.17, 284.8))
    'Calib M = 281.17 A = 284.8 BE ADD'
    """
    measured = _g(calibration.measured) if calibration.searched is None else ",".join(map(_g, calibration.searched))
    scale = "KE" if calibration.kinetic else "BE"
    moved = [flag for flag in calibration.flags if flag.upper() in {"REGIONS", "COMPS"}]
    others = [flag for flag in calibration.flags if flag not in moved]
    return " ".join(["Calib M =", measured, "A =", _g(calibration.assigned), *moved, scale, *others])


def section(
    calibrations: Sequence[CasaCalibration], regions: Sequence[CasaRegion], components: Sequence[CasaComponent]
) -> list[str]:
    """Write the section of a block comment: each list with its length before it, and no annotations.

    Examples
    --------
    >>> section([], [], [])
    ['Casa Info Follows', '0', '0', '0', '0']
    """
    lines = ["Casa Info Follows", str(len(calibrations)), *map(calibration_text, calibrations), "0"]
    lines += [str(len(regions)), *map(region_text, regions)]
    return [*lines, str(len(components)), *map(component_text, components)]
