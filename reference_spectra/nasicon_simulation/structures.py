"""Crystal structures of the phases in the simulated patterns: cells and sites as facts with their source.

Sites are (element or mixture, x, y, z, B [angstrom2]). Cells marked `moved` differ on purpose from the
published ones, as real samples do, so that an identification has a lattice shift to find.
"""

from __future__ import annotations

from dataclasses import dataclass

Site = tuple[dict[str, float], float, float, float, float]


@dataclass(frozen=True)
class Structure:
    """Space group, cell (a, b, c in angstrom, alpha, beta, gamma in degrees), sites, formula units in the cell."""

    name: str
    formula: str
    space_group: str
    cell: tuple[float, float, float, float, float, float]
    sites: tuple[Site, ...]
    crystallite: float  # nm
    source: str


_T = {"Si": 0.8, "P": 0.2}
STRUCTURES = {
    "NZSP_C2c": Structure(
        "NaSICON, monoclinic",
        "Na3.4Zr2Si2.4P0.6O12",
        "C 1 2/c 1",
        (15.652, 9.055, 9.218, 90.0, 123.71, 90.0),
        (
            ({"Zr": 1.0}, 0.1006, 0.2497, 0.0563, 0.6),
            (_T, 0.0, 0.0397, 0.25, 0.8),
            (_T, 0.3565, 0.1101, 0.2611, 0.8),
            ({"Na": 0.85}, 0.25, 0.25, 0.5, 3.0),
            ({"Na": 0.85}, 0.5, 0.8965, 0.25, 3.0),
            ({"Na": 0.85}, 0.8219, 0.0843, 0.8574, 3.0),
            ({"O": 1.0}, 0.1438, 0.4403, 0.2222, 1.3),
            ({"O": 1.0}, 0.4411, 0.4470, 0.0851, 1.3),
            ({"O": 1.0}, 0.2526, 0.1797, 0.2156, 1.3),
            ({"O": 1.0}, 0.3780, 0.1349, 0.1103, 1.3),
            ({"O": 1.0}, 0.4437, 0.1780, 0.4482, 1.3),
            ({"O": 1.0}, 0.0810, 0.1395, 0.2354, 1.3),
        ),
        150.0,
        "Sites of Hong, Mater. Res. Bull. 11 (1976) 173, unverified; cell moved towards x = 2.4 (a about 15.65)",
    ),
    "ZrO2_m": Structure(
        "baddeleyite",
        "ZrO2",
        "P 1 21/c 1",
        (5.1505, 5.2116, 5.3173, 90.0, 99.23, 90.0),
        (
            ({"Zr": 1.0}, 0.2754, 0.0395, 0.2083, 0.26),
            ({"O": 1.0}, 0.0700, 0.3317, 0.3447, 0.47),
            ({"O": 1.0}, 0.4496, 0.7569, 0.4792, 0.47),
        ),
        60.0,
        "Howard, Hill and Reichert, Acta Cryst. B44 (1988) 116; cell unverified",
    ),
    "ZrSiO4": Structure(
        "zircon",
        "ZrSiO4",
        "I 41/a m d:2",
        (6.607, 6.607, 5.982, 90.0, 90.0, 90.0),
        (
            ({"Zr": 1.0}, 0.0, 0.75, 0.125, 0.28),
            ({"Si": 1.0}, 0.0, 0.25, 0.375, 0.32),
            ({"O": 1.0}, 0.0, 0.0661, 0.1953, 0.60),
        ),
        80.0,
        "Robinson, Gibbs and Ribbe, Am. Mineral. 56 (1971) 782; B unverified",
    ),
    "Pb_fcc": Structure(
        "lead",
        "Pb",
        "F m -3 m",
        (4.9505, 4.9505, 4.9505, 90.0, 90.0, 90.0),
        (({"Pb": 1.0}, 0.0, 0.0, 0.0, 1.87),),
        80.0,
        "Wyckoff, Crystal Structures 1 (1963)",
    ),
    "Na_bcc": Structure(
        "sodium",
        "Na",
        "I m -3 m",
        (4.2906, 4.2906, 4.2906, 90.0, 90.0, 90.0),
        (({"Na": 1.0}, 0.0, 0.0, 0.0, 6.4),),
        300.0,
        "Wyckoff, Crystal Structures 1 (1963)",
    ),
    "Na15Pb4": Structure(
        "Na15Pb4",
        "Na15Pb4",
        "I -4 3 d",
        (13.302, 13.302, 13.302, 90.0, 90.0, 90.0),
        (
            ({"Na": 1.0}, 0.375, 0.0, 0.25, 4.0),
            ({"Na": 1.0}, 0.12, 0.16, 0.96, 4.0),
            ({"Pb": 1.0}, 0.208, 0.208, 0.208, 2.0),
        ),
        60.0,
        "Cu15Si4 type, Zintl and Harder, Z. Phys. Chem. B34 (1936) 238; cell about 13.32 unverified, moved to 13.302",
    ),
}
