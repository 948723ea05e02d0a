"""VAMAS files (ISO 14976) as spectra: XPS, UPS and ISS blocks; blocks of other techniques when asked for by name.

Binding energy is E_B = hν - E_K. The analyser work function of the block is kept as an attribute and never
applied: the abscissa of VAMAS files is already corrected or not, and the file does not say which.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import schema, spectra
from surfspec.errors import FormatError, SurfspecError
from surfspec.io import _bytes, _entry
from surfspec.io.text_columns import agreed_unit
from surfspec.io.vamas_cursor import Block, Header
from surfspec.io.vamas_grammar import parse
from surfspec.io.vamas_meta import attributes, photon_energy, positive

NAME = "VAMAS"

#: Technique of the standard -> technique of surfspec. Electron spectra without photons (AES, ELS) hold no core
#: levels: they are read only with ``technique="XPS"``, with the word of the file in ``attrs["method"]``.
_TECHNIQUES = {"XPS": "XPS", "UPS": "XPS", "ISS": "LEIS"}
#: Words in a block comment that give an ion scattering measurement away although the block says XPS
#: (exports of CasaXPS from Kratos and Thermo instruments).
_ISS_WORDS = re.compile(r"LENS_ISS|ISS_ANGLE|ISS_CALIBRATION|\blens(?: mode)?\s*[:=]\s*ISS\b", re.IGNORECASE)
_RATE = re.compile(r"\bc/s\b|\bcps\b|counts?\s*(?:/|per)\s*s(?:ec(?:ond)?)?\b", re.IGNORECASE)


@dataclass(frozen=True)
class _Scale:
    """The abscissa of a block: its axis, values (eV) and the columns that are left as ordinates."""

    axis: str
    values: NDArray[np.float64]
    columns: list[int]


def recognises(source: _bytes.Source) -> bool:
    """Tell by the identifier in the first lines."""
    head = source.data[:1024].replace(b"\x00", b"")
    return b"VAMAS Surface Chemical Analysis" in head


def read(source: _bytes.Source, options: _entry.Options) -> list[_entry.Entry]:
    """Read all blocks of a VAMAS file.

    Parameters
    ----------
    source
        The file.
    options
        What the caller knows.

    Returns
    -------
    list of Entry
        One for each block that holds an electron or ion spectrum, labelled by its region, and by its sample too
        where the file holds several of them.

    Raises
    ------
    FormatError
        With block, line and reason.
    """
    header, blocks = parse(_bytes.decode(source), source.name)
    left_out = [f"block {b.number} is {b.text('technique')}" for b in blocks if not _technique(b, options)]
    readable = [block for block in blocks if _technique(block, options)]
    if header.scan_mode == "MAPPING" or not readable:
        what = "images (scan mode MAPPING)" if header.scan_mode == "MAPPING" else "; ".join(left_out[:5])
        raise FormatError(
            f"no electron or ion spectra in this file: {what}",
            where=source.name,
            remedy="surfspec reads XPS, UPS and ISS spectra; say technique='XPS' to read Auger or energy-loss "
            "spectra as electron spectra over kinetic energy"
            if header.scan_mode != "MAPPING"
            else "Export the spectra, not the images",
        )
    datasets = [_spectrum(header, block, source, options) for block in readable]
    if left_out:
        datasets = [dataset.assign_attrs(left_out="; ".join(left_out)) for dataset in datasets]
    return [_entry.Entry(label, dataset) for label, dataset in zip(_labels(datasets), datasets, strict=True)]


def _labels(datasets: list[xr.Dataset]) -> list[str]:
    samples = {str(dataset.attrs.get("sample", "")) for dataset in datasets}
    regions = [str(dataset.attrs.get("region") or dataset.attrs.get("block", "")) for dataset in datasets]
    if len(samples) < 2:
        return regions
    return [
        f"{dataset.attrs.get('sample', '')} {region}".strip() for dataset, region in zip(datasets, regions, strict=True)
    ]


def _technique(block: Block, options: _entry.Options) -> str:
    if options.technique is not None:
        return options.technique
    if _ISS_WORDS.search(block.text("comment")):
        return "LEIS"
    return _TECHNIQUES.get(block.text("technique"), "")


def _spectrum(header: Header, block: Block, source: _bytes.Source, options: _entry.Options) -> xr.Dataset:
    where = f"{source.name}:{block.line}"
    technique = _technique(block, options)
    attrs = {**attributes(header, block, technique), **options.attrs}
    try:
        scale = _scale(header, block, technique, attrs, options)
        signal = scale.columns[0]
        rate, units = _intensity(block, signal, options)
        dwell, scans = positive(attrs.get("dwell_time")), positive(attrs.get("scans"))
        if rate and not _unit_is_rate(block, signal):
            dwell = None  # the block calls itself a rate but states times of counts: the times cannot be trusted
        y, units, statistics = _entry.counted(block.ordinates[:, signal], units, dwell, scans)
        dataset = spectra.spectrum(
            scale.values,
            y,
            technique=technique,
            axis=scale.axis,
            units=units,
            statistics=statistics,
            where=where,
        )
        dataset = _entry.labelled(dataset, attrs, source, NAME)
    except SurfspecError as problem:
        inside = f"block {block.number} of {header.blocks} ({block.identifier}): "
        raise FormatError(inside + problem.message, remedy=problem.remedy, where=where) from problem
    transmission = _transmission(block, scale)
    if transmission is None:
        return dataset
    falling = scale.values[0] > scale.values[-1]
    values = transmission[::-1] if falling else transmission
    return dataset.assign(
        transmission=(scale.axis, values, {"units": "1", "long_name": "Transmission function of the analyser"})
    )


def _scale(
    header: Header, block: Block, technique: str, attrs: dict[str, _entry.Attr], options: _entry.Options
) -> _Scale:
    """Return the abscissa over the axis that the technique or the caller asks for."""
    names = _variables(block)
    if header.scan_mode == "IRREGULAR":
        label, unit = names[0]
        raw: NDArray[np.float64] = block.ordinates[:, 0]
        columns = list(range(1, len(names)))
    else:
        label, unit = block.text("abscissa_label"), block.text("abscissa_unit")
        start, step = block.number_of("abscissa_start"), block.number_of("abscissa_step")
        raw = start + step * np.arange(block.ordinates.shape[0], dtype=np.float64)
        columns = list(range(len(names)))
    if not columns:
        raise FormatError("no intensity beside the abscissa", remedy="Export the block again with its intensity")
    if unit and unit.lower() not in {"ev", "d", "n"}:
        raise FormatError(f"the abscissa {label!r} is in {unit!r}, not eV", remedy="Export it over energy in eV")
    low = label.lower()
    hv = positive(attrs.get("photon_energy")) or photon_energy(block)
    stored = "binding_energy" if "binding" in low else "kinetic_energy" if "kinetic" in low else ""
    natural = "binding_energy" if technique == "XPS" and hv is not None else "kinetic_energy"
    target = options.axis or (natural if stored else "")
    if not stored:
        if options.axis is None:
            raise FormatError(
                f"the abscissa is called {label!r}, neither kinetic nor binding energy",
                remedy="Say axis='kinetic_energy' or axis='binding_energy'",
            )
        stored = options.axis
    if stored == "binding_energy" and technique == "XPS" and hv is None and options.axis is None:
        target = stored
    if target not in schema.TECHNIQUE_AXES[technique]:
        raise FormatError(f"axis {target!r} does not belong to {technique}", remedy="Leave axis= out")
    if stored == target:
        return _Scale(target, np.round(raw, 9) + 0.0, columns)
    if hv is None:
        raise FormatError(
            f"the block is over {stored} and does not give the photon energy", remedy="Say photon_energy=1486.6 (eV)"
        )
    return _Scale(target, np.round(hv - raw, 9) + 0.0, columns)


def _variables(block: Block) -> list[tuple[str, str]]:
    pairs = block.values["variables"]
    return (
        [(str(pair[0]), str(pair[1])) for pair in pairs if isinstance(pair, tuple)] if isinstance(pairs, tuple) else []
    )


def _unit_is_rate(block: Block, column: int) -> bool:
    label, unit = _variables(block)[column]
    return bool(_RATE.search(unit) or _RATE.search(label))


def _intensity(block: Block, column: int, options: _entry.Options) -> tuple[bool, str]:
    """Tell whether the ordinates are a rate, and their unit (``c/s`` is a rate, ``d`` and ``n`` are counts)."""
    found = _stated_unit(block, column)
    if options.units is not None:
        found = agreed_unit(options.units, (found, 1.0), _variables(block)[column][0], f"block {block.number}")[0]
    return found == "counts/s", found


def _stated_unit(block: Block, column: int) -> str:
    label, unit = _variables(block)[column]
    if _unit_is_rate(block, column) or _RATE.search(block.identifier):
        return "counts/s"
    analogue = "analogue" in block.text("signal_mode").lower()
    counts = unit.lower() in {"d", "n", "counts", ""} and not analogue
    return "counts" if counts or "count" in label.lower() else "arb. units"


def _transmission(block: Block, scale: _Scale) -> NDArray[np.float64] | None:
    names = _variables(block)
    found = [i for i in scale.columns[1:] if "transmission" in names[i][0].lower()]
    if not found or not np.all(np.isfinite(block.ordinates[:, found[0]])):
        return None
    return block.ordinates[:, found[0]]


READER = _entry.Reader(NAME, recognises, read)
