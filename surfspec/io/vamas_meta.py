"""Parameters of a VAMAS block -> attributes of a spectrum."""

from __future__ import annotations

import math
import re

from surfspec.io import _entry
from surfspec.io.regions import spelled
from surfspec.io.vamas_cursor import Block, Header

_NOTHING = {"", "none", "not specified", "notspecified", "unknown", "n/a"}
_DOSE_UNIT = re.compile(r"(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)?\s*(?:ions?)?\s*(?:/\s*cm\^?2|cm\^?-2)", re.IGNORECASE)
_DATE = ("year", "month", "day", "hour", "minute", "second")

#: Unit of a variable -> factor and offset to that of surfspec.
_CONVERTED = {
    "time": {"s": (1.0, 0.0), "ms": (1e-3, 0.0), "min": (60.0, 0.0), "h": (3600.0, 0.0)},
    "temperature": {"k": (1.0, -273.15), "degc": (1.0, 0.0), "°c": (1.0, 0.0), "c": (1.0, 0.0)},
}
_LENGTHS = {"mm": "mm", "um": "um", "µm": "um", "μm": "um", "micro m": "um", "nm": "nm"}


def positive(value: _entry.Attr | None) -> float | None:
    """Return a number where it is one and above zero."""
    if isinstance(value, int | float) and math.isfinite(value) and value > 0:
        return float(value)
    return None


def photon_energy(block: Block) -> float | None:
    """Energy of the source where the block says it is a photon source."""
    return positive(block.number_of("source_energy")) if block.text("technique") in {"XPS", "UPS"} else None


def _known(text: str) -> bool:
    return text.strip().lower() not in _NOTHING


def attributes(header: Header, block: Block, technique: str) -> dict[str, _entry.Attr]:
    """Return what the header and a block say of a spectrum, in the words of surfspec."""
    attrs: dict[str, _entry.Attr] = {"region": _region(block)} if technique == "XPS" else {}
    texts = {
        "sample": re.sub(r"\Asample name:\s*", "", block.sample, flags=re.IGNORECASE),
        "instrument": header.instrument,
        "institution": header.institution,
        "operator": header.operator,
        "experiment": header.experiment,
        "block": block.identifier,
        "source": block.text("source_label"),
        "analyser_mode": block.text("analyser_mode"),
        "comment": block.text("comment"),
    }
    attrs.update({key: text for key, text in texts.items() if _known(text)})
    if block.text("technique") != technique:
        attrs["method"] = block.text("technique")
    numbers = {"dwell_time": positive(block.number_of("collection_time")), "pass_energy": _pass_energy(block)}
    attrs.update({key: value for key, value in numbers.items() if value is not None})
    scans = positive(block.number_of("scans"))
    if scans is not None:
        attrs["scans"] = int(scans) if scans.is_integer() else scans
    work = block.number_of("work_function")
    if math.isfinite(work) and work != 0.0:
        attrs["work_function"] = work
    date = _date(block)
    if date:
        attrs["date"] = date
    if re.search(
        r"synthetic|simulated", f"{header.institution} {header.comment} {block.text('comment')}", re.IGNORECASE
    ):
        attrs["simulated"] = "true"
    attrs.update(_source(block, technique))
    attrs.update(_experimental(header, block))
    return attrs


def _pass_energy(block: Block) -> float | None:
    """Pass energy where the block states one; ISS blocks with the energy of the ions in its place state none."""
    found = positive(block.number_of("pass_energy")) if block.text("analyser_mode") == "FAT" else None
    ions = block.text("technique") == "ISS"
    return None if ions and found == positive(block.number_of("source_energy")) else found


def _source(block: Block, technique: str) -> dict[str, _entry.Attr]:
    """Photon energy, or ion, ion energy and scattering angle."""
    energy = positive(block.number_of("source_energy"))
    if technique == "XPS":
        hv = photon_energy(block)
        return {"photon_energy": hv} if hv is not None else {}
    found: dict[str, _entry.Attr] = {}
    if block.text("technique") != "ISS":
        return found  # a mislabelled block carries the energy of a photon source
    if energy is not None:
        found["ion_energy"] = energy
    ion = block.text("source_label").rstrip("+ ")
    if re.fullmatch(r"\d*[A-Z][a-z]?", ion):
        found["ion"] = ion
    said = re.search(r"^scattering_angle:\s*(\d+(?:\.\d+)?)\s*$", block.text("comment"), re.MULTILINE)
    angle = float(said.group(1)) if said else _scattering_angle(block)
    if angle is not None:
        found["scattering_angle"] = angle
    return found


def _scattering_angle(block: Block) -> float | None:
    r"""Scattering angle (deg) from the directions of source and analyser.

    .. math:: \theta = 180° - \beta, \quad
              \cos\beta = \cos t_s \cos t_a + \sin t_s \sin t_a \cos(\varphi_s - \varphi_a)

    with polar angles t from the surface normal. A take-off angle above 90° cannot leave the surface: files that
    give one mean the scattering angle itself.
    """
    polar, azimuth = block.number_of("source_polar_angle"), block.number_of("source_azimuth")
    take_off, take_azimuth = block.number_of("take_off_polar_angle"), block.number_of("take_off_azimuth")
    if math.isfinite(take_off) and 90.0 < take_off <= 180.0:
        return take_off
    if not all(math.isfinite(angle) for angle in (polar, azimuth, take_off, take_azimuth)) or polar == take_off == 0.0:
        return None
    a, b, c = math.radians(polar), math.radians(take_off), math.radians(azimuth - take_azimuth)
    cosine = math.cos(a) * math.cos(b) + math.sin(a) * math.sin(b) * math.cos(c)
    return 180.0 - math.degrees(math.acos(max(-1.0, min(1.0, cosine))))


def _experimental(header: Header, block: Block) -> dict[str, _entry.Attr]:
    """Experimental variables by their labels; one that is a dose in ions/cm2 also as ``dose``."""
    values = block.values.get("experimental", ())
    found: dict[str, _entry.Attr] = {}
    for (label, unit), value in zip(header.variables, values if isinstance(values, tuple) else (), strict=False):
        if not isinstance(value, int | float) or not math.isfinite(value) or not _known(label):
            continue
        word = re.sub(r"[^0-9a-z]+", "_", label.lower()).strip("_")
        if word and not word[0].isdigit() and word not in {"exp_variable", "value", "index", "kind", "technique"}:
            found.update(_in_our_unit(word, float(value), unit.strip()))
        match = _DOSE_UNIT.fullmatch(unit.strip())
        if match and "dose" in label.lower():
            found["dose"] = float(value) * float(match.group(1) or 1.0)
    return found


def _in_our_unit(word: str, value: float, unit: str) -> dict[str, _entry.Attr]:
    """Return a variable as an attribute: time in s, temperature in degC, a position with its unit beside it.

    A time or temperature in a unit that is not known gets the unit into its name, so that it is not taken for another.
    """
    low = unit.lower()
    if word in _CONVERTED and low not in {"", "d", "n"}:
        scale = _CONVERTED[word].get(low)
        if scale is None:
            return {f"{word}_in_{re.sub(r'[^0-9a-z]+', '_', low).strip('_')}": value}
        return {word: round(value * scale[0] + scale[1], 12)}
    if word in {"x", "y"} and low in _LENGTHS:
        return {word: value, f"{word}_unit": _LENGTHS[low]}
    return {word: value}


def _region(block: Block) -> str:
    species, transition = block.text("species"), block.text("transition")
    species, transition = (text if _known(text) else "" for text in (species, transition))
    joined = f"{species} {transition}".strip()
    named = spelled(joined)
    inside = spelled(re.sub(r"\A\d+\s*:\s*", "", block.identifier))
    if not joined or (re.fullmatch(r"[A-Z][a-z]? \d[spdf]\S*", inside) and not re.search(r"\d[spdf]", named)):
        return inside or f"block {block.number}"
    return named


def _date(block: Block) -> str:
    parts = [block.number_of(name) for name in _DATE]
    if not all(math.isfinite(part) for part in parts):
        return ""
    year, month, day, hour, minute, second = (int(part) for part in parts)
    if not (year > 1900 and 1 <= month <= 12 and 1 <= day <= 31):
        return ""
    return f"{year:04d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{second:02d}"
