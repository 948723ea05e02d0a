"""Write spectra of scattered ions as one VAMAS file (ISO 14976: NORM, REGULAR, technique ISS), places as variables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nasicon_simulation.vamas import FORMAT, UNKNOWN
from numpy.typing import NDArray


@dataclass(frozen=True)
class Block:
    """One spectrum: where it was measured [mm], counts on a rising energy axis [eV]."""

    name: str
    x: float
    y: float
    start: float
    increment: float
    counts: NDArray


def _block(block: Block, sample: str, comments: Sequence[str]) -> list[str]:
    species, _, transition = block.name.partition(" ")
    return [
        block.name,
        sample,
        *("2021", "11", "4", "10", "0", "0", "0"),  # a nominal time: this is a simulation
        str(len(comments)),
        *comments,
        "ISS",
        *(f"{block.x:g}", f"{block.y:g}"),
        "4He+",
        *("2", "1", "1"),  # atomic number, atoms and charge of the ion
        "3000",
        UNKNOWN,  # beam current
        *("500", "500"),  # width of the source in micrometre
        *("0", "0"),  # along the surface normal
        "FAT",
        UNKNOWN,  # pass energy
        UNKNOWN,  # magnification
        *("0", "0"),  # work function, target bias
        *("500", "500"),  # analysed width
        *("145", "0"),  # scattering angle, as instruments write it here
        species,
        transition,
        "1",  # charge of the detected particle
        *("kinetic energy", "eV", f"{block.start:g}", f"{block.increment:g}"),
        "1",  # corresponding variables
        *("counts", "d"),
        "pulse counting",
        "1",  # dwell time
        "1",  # scans
        "0",  # signal time correction
        *("0", "0", "0"),  # sample tilt, its azimuth, rotation
        "0",  # additional numerical parameters
        str(block.counts.size),
        str(int(block.counts.min())),
        str(int(block.counts.max())),
        *(str(int(value)) for value in block.counts),
    ]


def text(blocks: Sequence[Block], *, sample: str, experiment: str, comments: Sequence[str]) -> str:
    """Return the whole file; `comments` are repeated in every block."""
    rows = [
        FORMAT,
        "simulated",
        "simulated spectrometer for scattered ions",
        "no operator",
        experiment,
        str(len(comments)),
        *comments,
        "NORM",
        "REGULAR",
        str(len(blocks)),  # spectral regions
        "2",  # experimental variables
        *("x", "mm", "y", "mm"),
        "0",  # entries in the parameter inclusion or exclusion list
        "0",  # manually entered items in a block
        "0",  # future upgrade experiment entries
        "0",  # future upgrade block entries
        str(len(blocks)),
    ]
    for block in blocks:
        rows += _block(block, sample, comments)
    return "\n".join([*rows, "end of experiment", ""])
