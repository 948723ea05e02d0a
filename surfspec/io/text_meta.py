"""Header words of text files -> attributes of a spectrum, with their units."""

from __future__ import annotations

import re
from collections.abc import Mapping

from surfspec.errors import FormatError
from surfspec.io._entry import Attr

_WORDS = {
    "technique": ("technique", "analysis_method", "method"),
    "region": ("region", "region_name"),
    "sample": ("sample", "sample_name", "sampleident"),
    "instrument": ("instrument", "instrument_name", "instrument_model"),
    "photon_energy": (
        "photon_energy", "excitation_energy", "characteristic_energy", "hv", "hnu", "source_energy", "x_ray_energy",
    ),
    "pass_energy": ("pass_energy",),
    "dwell_time": ("dwell_time", "dwell", "acquisition_time", "time_per_step", "counting_time", "steptime"),
    "scans": ("scans", "number_of_scans", "sweeps", "number_of_sweeps", "num_scans"),
    "work_function": ("work_function", "workfunction", "eff_workfunction", "analyzer_work_function"),
    "ion": ("ion", "projectile", "primary_ion"),
    "ion_energy": ("ion_energy", "primary_energy", "primary_ion_energy"),
    "scattering_angle": ("scattering_angle",),
    "dose": ("dose", "ion_dose", "cumulated_dose"),
    "wavelength": ("wavelength", "x_ray_wavelength", "xray_wavelength", "lambda", "wl1"),
    "wavelength_name": ("wavelength_name",),
    "intensity_unit": ("intensity_unit", "intensity_units"),
    "axis": ("axis",),
    "simulated": ("simulated",),
}  # fmt: skip
_KEY_OF = {word: key for key, words in _WORDS.items() for word in words}

#: Number attributes and the units they may be written in: unit -> factor.
_UNITS: dict[str, dict[str, float]] = {
    "photon_energy": {"ev": 1.0, "kev": 1e3},
    "pass_energy": {"ev": 1.0, "kev": 1e3},
    "work_function": {"ev": 1.0},
    "ion_energy": {"ev": 1.0, "kev": 1e3},
    "dwell_time": {"s": 1.0, "sec": 1.0, "seconds": 1.0, "ms": 1e-3},
    "scans": {},
    "scattering_angle": {"deg": 1.0, "degree": 1.0, "degrees": 1.0, "°": 1.0},
    "dose": {"ions/cm2": 1.0, "ions/cm^2": 1.0, "/cm2": 1.0, "cm-2": 1.0, "1/cm2": 1.0},
    "wavelength": {"å": 1.0, "\u212b": 1.0, "a": 1.0, "angstrom": 1.0, "ang": 1.0, "nm": 10.0},
}
_TECHNIQUES = {
    "xps": "XPS", "esca": "XPS", "ups": "XPS", "xps/ups": "XPS", "haxpes": "XPS", "snapshot xps": "XPS",
    "leis": "LEIS", "iss": "LEIS", "hs-leis": "LEIS", "xrd": "XRD", "pxrd": "XRD",
}  # fmt: skip
#: Methods whose spectra look like those of surfspec and are not: no core levels, no scattered ions.
_OTHER_METHODS = re.compile(
    r"\b(?:AES|SAM|Auger|R?EELS|ELS|SIMS|NEXAFS|XANES|EXAFS|XAS|IPES|EDX|EDS|RBS|Raman|FTIR)\b", re.IGNORECASE
)
#: Numbers that may be zero or negative; zero elsewhere is how instruments write "not known".
_ANY_SIGN = frozenset({"work_function", "dose", "scattering_angle"})
_QUANTITY = re.compile(r"([+-]?[\d.,]+(?:[eEdD][+-]?\d+)?)\s*(.*)\Z")
_RESERVED = frozenset({"kind", "statistics", "source_file", "source_sha256", "source_format"})
_MAX_EXTRA = 60
_MAX_TEXT = 400


def technique_name(text: str) -> str:
    """Return ``XPS``, ``LEIS`` or ``XRD`` for the word of a file or user, or ``""``."""
    return _TECHNIQUES.get(text.strip().lower(), "")


def refuse_other_methods(meta: Mapping[str, tuple[str, int]], where: str) -> None:
    """Refuse a file that says it was measured by a method that surfspec does not fit.

    Parameters
    ----------
    meta
        ``key -> (value, line number)`` as written. A key ``technique`` is binding; foreign words for it
        (``Analysis Method``) only where they name another method of electron or ion spectroscopy.
    where
        File name for errors.

    Raises
    ------
    FormatError
        Naming the line and the argument that forces the reading.
    """
    for raw, (value, line) in meta.items():
        word = _word(raw)[0]
        text = value.strip("\"' ")
        if _KEY_OF.get(word) != "technique" or not text or technique_name(text):
            continue
        if word == "technique" or _OTHER_METHODS.search(text):
            raise FormatError(
                f"the technique is {text[:60]!r}, which surfspec does not read as XPS, LEIS or XRD by itself",
                where=f"{where}:{line}",
                remedy="Say technique='XPS', 'LEIS' or 'XRD' to read it as one of these all the same",
            )


def attributes(meta: Mapping[str, tuple[str, int]], where: str) -> dict[str, Attr]:
    """Turn header pairs into attributes: known words with units, the others as text.

    Parameters
    ----------
    meta
        ``key -> (value, line number)`` as written.
    where
        File name for errors.

    Returns
    -------
    dict
        Known keys in the words and units of surfspec; ``technique`` only where it is one of ours; further
        keys in lower case with underscores.

    Raises
    ------
    FormatError
        When a known number cannot be read, or has a unit of another kind.
    """
    known: dict[str, Attr] = {}
    extra: dict[str, Attr] = {}
    for raw, (value, line) in meta.items():
        word, unit = _word(raw)
        if not word or not value or word in _RESERVED:
            continue
        key = _KEY_OF.get(word)
        if key is None:
            if len(extra) < _MAX_EXTRA and len(value) <= _MAX_TEXT:
                extra[word] = value
        elif key in _UNITS:
            if _QUANTITY.match(value.strip('"')) or word == key != "wavelength":
                number = _quantity(key, value, unit, f"{where}:{line}")
                if number > 0 or key in _ANY_SIGN:
                    known.setdefault(key, number)
                elif word == key:
                    raise FormatError(f"{key} is {number:g}", where=f"{where}:{line}", remedy="It must be positive")
            else:  # a word such as CuKa1, or a foreign header that means something else
                known.setdefault("wavelength_name" if key == "wavelength" else word, value)
        elif key == "technique":
            name = technique_name(value)
            known.setdefault(*(("technique", name) if name else ("analysis_method", value)))
        else:
            known.setdefault(key, value.strip("\"'"))
    ratio, anode = str(extra.get("wlratio", "0")), str(extra.get("anode", "")).strip("'\"")
    if "wavelength" in known and re.fullmatch(r"[A-Z][a-z]", anode) and re.fullmatch(r"0?\.\d*[1-9]\d*", ratio):
        known.setdefault("wavelength_name", f"{anode}Ka")  # Bruker .uxd: both K-alpha lines are in the beam
    return {**{key: value for key, value in extra.items() if key not in known}, **known}


def _word(raw: str) -> tuple[str, str]:
    """Split ``Dwell time [s]`` or ``Acquisition Time s`` into a word with underscores and a unit."""
    match = re.search(r"[\[(]([^\])]*)[\])]\s*$", raw) or re.search(r"[\s_](eV|keV|s|ms)\s*$", raw)
    unit = match.group(1).strip() if match else ""
    bare = raw[: match.start()] if match else raw
    return re.sub(r"[^0-9a-z]+", "_", bare.lower()).strip("_"), unit


def _quantity(key: str, value: str, unit: str, where: str) -> float | int:
    match = _QUANTITY.match(value.strip().strip('"'))
    if match is None:
        raise FormatError(
            f"{key} is {value!r}, not a number", where=where, remedy="Write a number, with or without unit"
        )
    text = match.group(1).replace("D", "e").replace("d", "e")
    text = text.replace(",", ".") if text.count(",") == 1 and "." not in text else text
    try:
        number = float(text)
    except ValueError as problem:
        raise FormatError(
            f"{key} is {value!r}, not a number", where=where, remedy="Write it as 0.1 or 1.5e15"
        ) from problem
    written = (match.group(2) or unit).strip().lower()
    if written and _UNITS[key]:
        if written not in _UNITS[key]:
            raise FormatError(
                f"{key} has the unit {written!r}", where=where, remedy=f"Use one of {', '.join(_UNITS[key])}"
            )
        number *= _UNITS[key][written]
    return int(number) if key == "scans" and number.is_integer() else number
