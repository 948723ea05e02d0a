"""Read the analysis that CasaXPS keeps in a VAMAS file."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from surfspec.errors import FormatError, SurfspecError
from surfspec.io import _bytes, _entry, recognise
from surfspec.io.casa_lines import LineError, calibration_of, component_of, kind_of_line, region_of
from surfspec.io.casa_types import CasaBlock, CasaCalibration, CasaComponent, CasaFile, CasaRegion
from surfspec.io.vamas import READER
from surfspec.io.vamas_cursor import Block
from surfspec.io.vamas_grammar import parse
from surfspec.io.vamas_meta import photon_energy

_BEGIN = "casa info follows"


def read_casa(path: str | Path, *, strict: bool = False) -> CasaFile:
    """Read regions, components and calibrations that CasaXPS wrote into the comments of a VAMAS file.

    Energies are kept as stored: kinetic, on the calibrated scale unless the calibration moved regions and components
    with it; :meth:`CasaBlock.binding_energy` turns them into binding energies.

    Parameters
    ----------
    path
        A VAMAS file.
    strict
        Refuse a file with a line that begins like one of CasaXPS and cannot be read. Without it such lines are listed
        in ``problems`` of their block, and kept in ``others``.

    Returns
    -------
    CasaFile
        With one :class:`CasaBlock` for each block of the file.

    Raises
    ------
    FormatError
        For a file that is no VAMAS file, and where ``strict`` for a malformed line, with its place.

    Examples
    --------
    >>> import tempfile, surfspec as ss
    >>> from surfspec.io import read_casa, write_casa
    >>> data = ss.spectrum([280.0, 285.0, 290.0], [5, 9, 6], technique="XPS", region="C 1s", photon_energy=1486.6)
    >>> file = write_casa(data, tempfile.mkdtemp() + "/c1s.vms", calibrations=[CasaCalibration(284.0, 284.8)])
    >>> round(read_casa(file).blocks[0].shift, 2)
    0.8
    """
    source = _bytes.load(path)
    if not READER.recognises(source):
        raise FormatError("this is no VAMAS file", where=str(path), remedy="Save the file of CasaXPS as VAMAS (.vms)")
    text = _bytes.decode(source)
    header, blocks = parse(text, source.name)
    version = re.search(r"CasaXPS Version\s+(\S+)", header.comment)
    lines = [line.strip() for line in text.split("\n")]
    found = _with_data(path, [_block(block, lines, source.name) for block in blocks])
    if strict and any(one.problems for one in found):
        first = next(one.problems[0] for one in found if one.problems)
        place, _, what = first.partition(": ")
        raise FormatError(what, where=place, remedy="Mend the line, or read without strict=True")
    return CasaFile(str(path), version.group(1) if version else "", found)


def _with_data(path: str | Path, blocks: list[CasaBlock]) -> tuple[CasaBlock, ...]:
    """Add to each block the label of its data and the ends of their axis; both lists are in the order of the file."""
    try:
        entries = recognise.entries(path, _entry.Options())
    except SurfspecError:
        return tuple(blocks)  # no data, no labels: what CasaXPS kept is readable all the same
    out, place = list(blocks), 0
    for entry in entries:
        data = entry.dataset
        name = str(data.attrs.get("block", ""))
        here = next((i for i in range(place, len(out)) if not name or out[i].identifier == name), None)
        if here is None:
            continue
        one, place = out[here], here + 1
        axis = "binding_energy" if "binding_energy" in data.coords else "kinetic_energy"
        x = data[axis].values
        ends = x if axis == "kinetic_energy" else one.photon_energy - x
        kinetic = (float(np.min(ends)), float(np.max(ends)))
        size = x.size if math.isfinite(kinetic[0]) else 0
        out[here] = replace(one, label=entry.label, points=size, kinetic=kinetic)
    return tuple(out)


def _block(block: Block, lines: list[str], name: str) -> CasaBlock:
    first = _comment_line(block, lines)
    section = block.text("comment").split("\n")
    begin = next((i for i, text in enumerate(section) if text.strip().lower().startswith(_BEGIN)), None)
    calibrations: list[CasaCalibration] = []
    regions: list[CasaRegion] = []
    components: list[CasaComponent] = []
    others, problems = [], []
    for i, text in enumerate(section):
        kind, place = kind_of_line(text), first + i
        try:
            if kind == "region":
                regions.append(region_of(text, place))
            elif kind == "component":
                components.append(component_of(text, place))
            elif kind == "calibration":
                calibrations.append(calibration_of(text, place))
            elif begin is not None and i > begin and kind != "count" and text.strip():
                others.append((place, text))
        except LineError as problem:
            problems.append(f"{name}:{place}: {kind}: {problem}")
            others.append((place, text))
    problems += _bad_links(components, name)
    energy = photon_energy(block)
    return CasaBlock(
        number=block.number,
        identifier=block.identifier,
        sample=block.sample,
        photon_energy=math.nan if energy is None else energy,
        calibrations=tuple(calibrations),
        regions=tuple(regions),
        components=tuple(components),
        others=tuple(others),
        problems=tuple(problems),
    )


def _comment_line(block: Block, lines: list[str]) -> int:
    """Line of the file at which the comment of a block begins, from 1."""
    wanted = block.text("comment").split("\n")
    count = str(len(wanted))
    for i in range(block.line, min(block.line + 40, len(lines))):
        if lines[i] == count and lines[i + 1 : i + 1 + len(wanted)] == wanted:
            return i + 2
    return block.line


def _bad_links(components: list[CasaComponent], name: str) -> list[str]:
    out = []
    for i, one in enumerate(components):
        for what, number in (("area", one.area), ("FWHM", one.fwhm), ("position", one.position)):
            if number.linked and not (0 <= number.link < len(components) and number.link != i):
                there = f"component {number.link} of {len(components)}"
                out.append(f"{name}:{one.line}: component: the {what} of {one.name!r} follows {there}")
    return out
