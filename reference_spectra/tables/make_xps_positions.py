"""Make xps_positions.csv with xraydb: ``python reference_spectra/tables/make_xps_positions.py``.

Where the lines of every element lie, good enough to say which can stand in one window; no reference energies.
Core levels: binding energies of the elements (xraydb's edges, which are those of the X-ray Data Booklet), with the few
that the booklet gives for gases replaced by those of solids; natural widths of the K, L and M levels. Auger groups:
kinetic energies, written down here.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

import xraydb

FOLDER = Path(__file__).parent
PHOTON_ENERGY = 1486.6  # eV, Al Ka: no core level above it
#: Subshell with j -> X-ray notation.
NOTATION = {
    "1s": "K", "2s": "L1", "2p1/2": "L2", "2p3/2": "L3", "3s": "M1", "3p1/2": "M2", "3p3/2": "M3", "3d3/2": "M4",
    "3d5/2": "M5", "4s": "N1", "4p1/2": "N2", "4p3/2": "N3", "4d3/2": "N4", "4d5/2": "N5", "4f5/2": "N6",
    "4f7/2": "N7", "5s": "O1", "5p1/2": "O2", "5p3/2": "O3", "5d3/2": "O4", "5d5/2": "O5",
}  # fmt: skip
#: Span around the energy in which a line is looked for: half an instrument's error below, the shift of an oxide above.
BELOW, ABOVE = 1.0, 5.0
#: (energy, low, high) of core levels whose booklet value is of a gas, or whose shifts are known to be larger or less.
SOLIDS: dict[str, tuple[float, float, float]] = {
    "B 1s": (188.0, 186.5, 194.0), "C 1s": (284.2, 282.5, 293.5), "N 1s": (399.0, 396.0, 408.0),
    "O 1s": (531.0, 528.0, 536.0), "N 2s": (19.0, 15.0, 27.0), "O 2s": (23.0, 20.0, 27.0), "F 2s": (30.0, 27.0, 33.0),
    "F 1s": (685.0, 682.5, 690.5), "Na 1s": (1070.8, 1069.8, 1073.3),
    "Na 2s": (63.5, 62.5, 65.5), "Si 2s": (149.7, 148.7, 155.5), "Si 2p3/2": (99.34, 98.5, 104.5),
    "Si 2p1/2": (99.96, 99.1, 105.1), "P 2s": (188.0, 186.5, 193.0), "P 2p3/2": (130.0, 128.0, 136.0),
    "P 2p1/2": (130.9, 128.9, 136.9), "S 2s": (228.0, 225.0, 234.0), "S 2p3/2": (164.0, 160.5, 170.5),
    "S 2p1/2": (165.2, 161.7, 171.7), "Cl 2s": (270.0, 268.0, 279.5), "Cl 2p3/2": (199.0, 197.0, 208.5),
    "Cl 2p1/2": (200.6, 198.6, 210.1), "K 2s": (378.6, 375.5, 380.0), "K 2p3/2": (293.5, 291.5, 295.0),
    "K 2p1/2": (296.3, 294.2, 297.8), "Ag 3d5/2": (368.3, 366.5, 369.5), "Ag 3d3/2": (374.3, 372.5, 375.5),
    "Au 4f7/2": (84.0, 83.0, 87.0), "Au 4f5/2": (87.7, 86.7, 90.7), "Zn 2p3/2": (1021.8, 1020.5, 1024.5),
    "Zn 2p1/2": (1044.9, 1043.5, 1047.5), "I 3d5/2": (619.3, 617.5, 625.0), "I 3d3/2": (630.8, 629.0, 636.5),
    "Cs 3d5/2": (726.6, 723.0, 727.6), "Cs 3d3/2": (740.5, 737.0, 741.5), "Ba 3d5/2": (780.5, 778.5, 782.0),
    "Ba 3d3/2": (795.7, 793.8, 797.3), "Sr 3d5/2": (134.2, 131.5, 135.5), "Sr 3d3/2": (136.0, 133.3, 137.3),
}  # fmt: skip
#: Auger group -> kinetic energy of its main line and the span of its strong parts, eV; and where it was read.
AUGER: dict[str, tuple[float, float, float, str]] = {
    "B KLL": (179, 168, 182, ""), "C KLL": (263, 255, 273, ""), "N KLL": (380, 372, 390, ""),
    "O KLL": (508, 500, 516, ""), "F KLL": (655, 645, 660, ""),
    "Na KLL": (989.6, 986, 996, "Thermo: at about 497 eV binding energy under Al Ka"),
    "Na KL1L": (950.6, 946, 961, "Thermo: second line at about 536 eV binding energy under Al Ka"),
    "Mg KLL": (1180.5, 1177, 1188, ""), "Mg KL1L": (1138, 1134, 1146, ""), "Al KLL": (1388, 1384, 1395, ""),
    "K LMM": (250, 245, 253, ""), "Ca LMM": (291, 285, 298, ""), "Sc LMM": (338, 330, 345, ""),
    "Ti LMM": (418, 410, 425, ""), "V LMM": (471, 462, 477, ""), "Cr LMM": (527, 518, 533, ""),
    "Mn LMM": (586, 576, 593, ""), "Fe LMM": (702, 693, 708, ""), "Co LMM": (773, 764, 778, ""),
    "Ni LMM": (846, 838, 850, ""), "Ni L3M23M45": (775, 768, 784, ""), "Ni L3M23M23": (712, 705, 718, ""),
    "Co L3M23M45": (713, 704, 720, ""), "Fe L3M23M45": (648, 638, 656, ""),
    "Cu LMM": (918.6, 914, 921, "NIST SRD 20, L3M45M45 of the metal"), "Cu L3M23M45": (840, 833, 850, ""),
    "Zn LMM": (988, 985, 996, ""), "Zn L2M45M45": (1011, 1007, 1019, ""), "Ga LMM": (1065, 1060, 1072, ""),
    "Ga L2M45M45": (1092, 1086, 1099, ""),
    "Ge LMM": (1145, 1137, 1150, ""), "As LMM": (1225, 1216, 1230, ""), "Se LMM": (1307, 1298, 1312, ""),
    "Ag MNN": (354, 348, 361, ""), "Cd MNN": (382, 374, 388, ""), "In MNN": (406, 398, 412, ""),
    "Sn MNN": (430, 421, 439, ""), "Sb MNN": (456, 447, 465, ""), "Te MNN": (485, 478, 495, ""),
    "I MNN": (510, 502, 520, ""), "Cs MNN": (563, 553, 573, ""), "Ba MNN": (590, 580, 604, ""),
}  # fmt: skip
HEADER = """\
# Where XPS lines lie, to tell which can stand in one window. Not reference energies: those are in xps_lines.csv.
# kind: core (energy, low and high are binding energies) or auger (kinetic energies, whatever the photon energy).
# low, high: the span in which the line is looked for. Chosen here (1 eV below to 5 eV above the element, or by the
# line), not from a source.
# Source of core levels: edges of xraydb, which are the X-ray Data Booklet's (LBNL/PUB-490, table 1-1), after
# Source: Bearden and Burr (1967), Cardona and Ley (1978), Fuggle and Martensson (1980). 'solid': nominal value of
# Source: solids, where the booklet has that of the gas or another one than is used for compounds.
# Source of natural_width: Campbell and Papp, At. Data Nucl. Data Tables 77 (2001) 1, and Krause and Oliver (1979), as
# Source: in xraydb; K, L and M levels only.
# Source of Auger groups: as named; the others are nominal values without a primary source, known to about 5 eV.
# verified: 'yes' where the energy was read in the named source. Made by make_xps_positions.py beside this file.
"""
COLUMNS = ("line", "kind", "energy (eV)", "low (eV)", "high (eV)", "natural_width (eV)", "verified", "source")


def rows() -> Iterator[tuple[str, str, str, str, str, str, str, str]]:
    """Yield the rows: core levels in the order of the table of sensitivities, then Auger groups."""
    with (FOLDER / "sensitivity_scofield.csv").open(encoding="utf-8") as file:
        named = [line.split(",")[0] for line in file if not line.startswith(("#", "line"))]
    for name in named:
        symbol, subshell = name.split()
        if subshell not in NOTATION or (subshell[-1] in "pdf"):
            continue  # a region is the sum of its members
        notation = NOTATION[subshell]
        energy = float(xraydb.xray_edges(symbol)[notation].energy)
        width = ""
        if notation[0] in "KLM":
            found = xraydb.core_width(symbol, notation)
            width = f"{float(found):.3g}" if found else ""
        source, span = "X-ray Data Booklet", (energy, energy - BELOW, energy + ABOVE)
        if name in SOLIDS:
            source, span = ("X-ray Data Booklet" if SOLIDS[name][0] == energy else "solid"), SOLIDS[name]
        if not 0 < span[0] < PHOTON_ENERGY:
            continue
        known = "yes" if source != "solid" else "no"
        yield (name, "core", f"{span[0]:g}", f"{span[1]:g}", f"{span[2]:g}", width, known, source)
    for name, (energy, low, high, source) in AUGER.items():
        known = "yes" if source else "no"
        yield (name, "auger", f"{energy:g}", f"{low:g}", f"{high:g}", "", known, source or "nominal")


def main() -> None:
    """Write the table."""
    with (FOLDER / "xps_positions.csv").open("w", encoding="utf-8", newline="") as file:
        file.write(HEADER)
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows())


if __name__ == "__main__":
    sys.exit(main())
