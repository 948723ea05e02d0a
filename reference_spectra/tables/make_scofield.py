"""Make sensitivity_scofield.csv with xraylib: ``python reference_spectra/tables/make_scofield.py``.

A line's factor is CSb_Photo_Partial(Z, subshell, 1.4866 keV) * (j + 1/2), over the same of C 1s; a region's factor is
the sum over its two members. Listed are the core levels: full subshells bound by more than 5 eV and less than the
photon energy.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import xraylib

PHOTON_ENERGY = 1.4866  # keV, Al Ka
FIRST, LAST = 3, 92  # lithium to uranium
LOWEST_BINDING = 0.005  # keV; below lies the valence band
#: Subshell in spectroscopic notation -> (suffix, X-ray notation, j) of its members.
SUBSHELLS: dict[str, tuple[tuple[str, str, float], ...]] = {
    "1s": (("", "K", 0.5),),
    "2s": (("", "L1", 0.5),),
    "2p": (("1/2", "L2", 0.5), ("3/2", "L3", 1.5)),
    "3s": (("", "M1", 0.5),),
    "3p": (("1/2", "M2", 0.5), ("3/2", "M3", 1.5)),
    "3d": (("3/2", "M4", 1.5), ("5/2", "M5", 2.5)),
    "4s": (("", "N1", 0.5),),
    "4p": (("1/2", "N2", 0.5), ("3/2", "N3", 1.5)),
    "4d": (("3/2", "N4", 1.5), ("5/2", "N5", 2.5)),
    "4f": (("5/2", "N6", 2.5), ("7/2", "N7", 3.5)),
    "5s": (("", "O1", 0.5),),
    "5p": (("1/2", "O2", 0.5), ("3/2", "O3", 1.5)),
    "5d": (("3/2", "O4", 1.5), ("5/2", "O5", 2.5)),
}
HEADER = """\
# Relative sensitivity factors of XPS core levels for Al Ka: photoionisation cross-sections relative to C 1s = 1.
# Source: partial photoelectric cross-sections of xraylib (CSb_Photo_Partial at 1.4866 keV) times (j + 1/2). They follow
# Source: J. H. Scofield, J. Electron Spectrosc. Relat. Phenom. 8 (1976) 129-137, and were not typed from that paper.
# Made by make_scofield.py beside this file.
# Agreement with Scofield's printed values: 0.1 % on ten of eleven regions compared; Zn 2p is 0.65 % off (28.72 there).
# The source gives no uncertainty. Not in these numbers: transmission, inelastic mean free path, angular asymmetry.
# Listed are full subshells bound by 5 eV to 1486.6 eV. A region without j, 'Zr 3d', is the sum of its two members.
line,sensitivity (1)
"""


def rows() -> Iterator[tuple[str, float]]:
    """Yield (line, factor) by atomic number and subshell; a doublet as its sum, then its members."""
    carbon = xraylib.CSb_Photo_Partial(6, xraylib.K_SHELL, PHOTON_ENERGY)
    for number in range(FIRST, LAST + 1):
        symbol = xraylib.AtomicNumberToSymbol(number)
        for subshell, members in SUBSHELLS.items():
            found = [
                (f"{symbol} {subshell}{suffix}", _cross_section(number, shell, j) / carbon)
                for suffix, shell, j in members
                if _is_core(number, shell, j)
            ]
            if len(found) == len(members):
                if len(members) == 2:
                    yield f"{symbol} {subshell}", sum(factor for _, factor in found)
                yield from found


def text() -> str:
    """Return the whole file."""
    return HEADER + "".join(f"{line},{factor:.5g}\n" for line, factor in rows())


def _cross_section(number: int, shell: str, j: float) -> float:
    return float(xraylib.CSb_Photo_Partial(number, getattr(xraylib, f"{shell}_SHELL"), PHOTON_ENERGY)) * (j + 0.5)


def _is_core(number: int, shell: str, j: float) -> bool:
    index = getattr(xraylib, f"{shell}_SHELL")
    try:
        electrons = xraylib.ElectronConfig(number, index)
        binding = xraylib.EdgeEnergy(number, index)
    except ValueError:  # xraylib's way to say that the atom has no such subshell
        return False
    return bool(abs(electrons - (2 * j + 1)) < 0.01 and LOWEST_BINDING < binding < PHOTON_ENERGY)


if __name__ == "__main__":
    Path(__file__).with_name("sensitivity_scofield.csv").write_text(text(), encoding="utf-8")
