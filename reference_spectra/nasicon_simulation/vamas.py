"""Write XPS regions as one VAMAS file (ISO 14976: experiment mode NORM, scan mode REGULAR)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FORMAT = "VAMAS Surface Chemical Analysis Standard Data Transfer Format 1988 May 4"
#: ISO 14976 writes a real number that is not known as 1E+37.
UNKNOWN = "1E+37"


@dataclass(frozen=True)
class Block:
    """One region: counts on a rising kinetic energy axis."""

    name: str
    sample: str
    species: str
    transition: str
    start: float
    increment: float
    counts: NDArray[np.int64]
    dwell_time: float
    scans: int


def _block(block: Block, photon_energy: float, pass_energy: float, comments: Sequence[str], minute: int) -> list[str]:
    return [
        block.name,
        block.sample,
        *("2021", "11", "4", "10", str(minute), "0", "0"),  # a nominal time: this is a simulation
        str(len(comments)),
        *comments,
        "XPS",
        "Al K-alpha (simulated)",
        f"{photon_energy:.1f}",
        "72",  # W: 6 mA at 12 kV
        *("400", "400"),  # source width x, y in micrometre
        *(UNKNOWN, UNKNOWN),  # polar and azimuthal angle of incidence
        "FAT",
        f"{pass_energy:g}",
        UNKNOWN,  # magnification
        "0",  # work function: energies are already referred to the Fermi level of the analyser
        "0",  # target bias
        *("400", "400"),  # analysed width x, y
        *("0", "0"),  # take-off polar angle and azimuth
        block.species,
        block.transition,
        "-1",  # charge of the detected particle
        *("kinetic energy", "eV", f"{block.start:.4f}", f"{block.increment:.4f}"),
        "1",  # corresponding variables
        *("counts", "d"),
        "pulse counting",
        f"{block.dwell_time:g}",
        str(block.scans),
        "0",  # signal time correction
        *("0", "0", "0"),  # sample tilt, its azimuth, rotation
        "0",  # additional numerical parameters
        str(block.counts.size),
        str(int(block.counts.min())),
        str(int(block.counts.max())),
        *(str(int(value)) for value in block.counts),
    ]


def text(
    blocks: Sequence[Block], *, photon_energy: float, pass_energy: float, experiment: str, comments: Sequence[str]
) -> str:
    """Return the whole file; `comments` are repeated in every block."""
    rows = [
        FORMAT,
        "simulated",
        "simulated XPS spectrometer",
        "no operator",
        experiment,
        str(len(comments)),
        *comments,
        "NORM",
        "REGULAR",
        str(len(blocks)),  # spectral regions
        "0",  # experimental variables
        "0",  # entries in the parameter inclusion or exclusion list
        "0",  # manually entered items in a block
        "0",  # future upgrade experiment entries
        "0",  # future upgrade block entries
        str(len(blocks)),
    ]
    for index, block in enumerate(blocks):
        rows += _block(block, photon_energy, pass_energy, comments, index)
    return "\n".join([*rows, "end of experiment", ""])
