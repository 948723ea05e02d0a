"""The samples of the twins: which lines each region has. Rows are named as in the README.

Energies are those of the papers where they state them; widths, areas, charges, asymmetries and the energy of
reduced zirconium are choices of this simulation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from xps_simulation import films
from xps_simulation.measuring import Region
from xps_simulation.profiles import Line

#: Share of the member at lower binding energy (2j + 1), and the names of both.
MEMBERS = {"p": (2.0 / 3.0, "3/2", "1/2"), "d": (3.0 / 5.0, "5/2", "3/2")}
#: Vibrational asymmetry of hydrocarbon C 1s, and that of the metal Sn: (asymmetry, cut-off in eV).
HYDROCARBON, METAL = (0.010, 1.0), (0.060, 3.0)

REGIONS = {
    "Zr 3d": Region("Zr 3d", 174.0, 195.0, 50, 1500.0),
    "Na 1s": Region("Na 1s", 1063.0, 1083.0, 30, 9000.0),
    "P 2p": Region("P 2p", 126.0, 144.0, 80, 1050.0),
    "Si 2p": Region("Si 2p", 95.0, 111.0, 80, 900.0),
    "O 1s": Region("O 1s", 524.0, 546.0, 30, 3600.0),
    "C 1s": Region("C 1s", 279.0, 298.0, 60, 2100.0),
    "B 1s": Region("B 1s", 175.0, 202.0, 80, 1500.0),
    "Zn 2p": Region("Zn 2p", 1013.0, 1057.0, 60, 8000.0),
    "Sn 3d": Region("Sn 3d", 476.0, 508.0, 60, 2500.0),
}


@dataclass(frozen=True)
class Sample:
    """One sample: its row, its name, its charge [eV], lines by region as areas per second, and further truth."""

    row: str
    name: str
    charge_shift: float
    lines: dict[str, list[Line]]
    known: dict[str, float] = field(default_factory=dict)


def doublet(
    level: str, state: str, energy: float, area: float, *, gaussian: float, lorentzian: float, splitting: float
) -> list[Line]:
    """Return both members of a symmetric doublet; the area is that of both."""
    share, strong, weak = MEMBERS[level[-1]]
    return [
        Line(f"{state} {level}{strong}", energy, gaussian, lorentzian, share * area),
        Line(f"{state} {level}{weak}", energy + splitting, gaussian, lorentzian, (1.0 - share) * area),
    ]


def zirconium(area: float, energy: float = 182.40, state: str = "Zr4+") -> list[Line]:
    """Return the doublet Zr 3d."""
    return doublet("Zr 3d", state, energy, area, gaussian=1.35, lorentzian=0.22, splitting=2.41)


def partly_reduced(area: float, share: float, energy: float) -> list[Line]:
    """Return Zr 3d of which a share is reduced."""
    lines = zirconium((1.0 - share) * area)
    return lines + (zirconium(share * area, energy, "Zr(<4)+") if share else [])


def sodium(area: float, energy: float = 1071.40) -> list[Line]:
    """Return Na 1s."""
    return [Line("Na+ Na 1s", energy, 1.50, 0.30, area)]


def phosphorus(area: float) -> list[Line]:
    """Return P 2p of phosphate."""
    return doublet("P 2p", "phosphate", 133.05, area, gaussian=1.45, lorentzian=0.15, splitting=0.86)


def silicon(area: float) -> list[Line]:
    """Return Si 2p of silicate."""
    return doublet("Si 2p", "silicate", 102.05, area, gaussian=1.50, lorentzian=0.12, splitting=0.61)


def carbon(hydrocarbon: float, oxidised: float, carbonate: float) -> list[Line]:
    """Return C 1s: hydrocarbon, C-O, carbonate."""
    return [
        Line("C-C C 1s", 284.80, 1.30, 0.10, hydrocarbon, *HYDROCARBON),
        Line("C-O C 1s", 286.30, 1.30, 0.10, oxidised),
        Line("carbonate C 1s", 289.50, 1.30, 0.10, carbonate),
    ]


def oxygen(lattice: float, surface: float, sodium_area: float) -> list[Line]:
    """Return O 1s of electrolyte and surface, and the Na KLL line beside it (6 % of Na 1s)."""
    return [
        Line("O lattice O 1s", 530.90, 1.45, 0.20, lattice),
        Line("O surface O 1s", 532.30, 1.45, 0.20, surface),
        Line("Na KLL", 535.90, 3.20, 0.0, 0.06 * sodium_area),
    ]


def cycled(name: str, charge_shift: float, atoms: dict[str, float]) -> Sample:
    """X5: a glass-bonded electrolyte after cycling; atoms per nm3 by level, Zr 3d and B 1s in one window."""
    area = {level: films.homogeneous(level, density) for level, density in atoms.items()}
    lines = {
        "C 1s": carbon(1800.0, 350.0, 300.0),
        "Na 1s": sodium(area["Na 1s"], 1071.60),
        "B 1s": [*zirconium(area["Zr 3d"], 182.90), Line("borate B 1s", 190.90, 1.55, 0.15, area["B 1s"])],
        "Zn 2p": doublet("Zn 2p", "Zn2+", 1022.20, area["Zn 2p"], gaussian=1.45, lorentzian=0.50, splitting=23.10),
    }
    total = sum(atoms.values())
    return Sample("x5", name, charge_shift, lines, {level: density / total for level, density in atoms.items()})


def reduced(name: str, charge_shift: float, share: float) -> Sample:
    """X6: zirconium of which a share is reduced."""
    return Sample("x6", name, charge_shift, {"Zr 3d": partly_reduced(30000.0, share, 180.60)}, {"reduced": share})


def recycled() -> Sample:
    """X7: tin(IV) and tin metal with the Na KLL Auger line in one window."""
    oxide = doublet("Sn 3d", "Sn(IV)", 486.60, 6000.0, gaussian=1.30, lorentzian=0.25, splitting=8.41)
    metal = [
        Line("Sn(0) Sn 3d5/2", 484.40, 0.95, 0.30, 0.6 * 3000.0, *METAL),
        Line("Sn(0) Sn 3d3/2", 492.81, 0.95, 0.30, 0.4 * 3000.0, *METAL),
    ]
    auger = Line("Na KLL", 496.80, 2.10, 0.30, 5000.0)
    lines = {"C 1s": carbon(2500.0, 500.0, 400.0), "Na 1s": sodium(60000.0), "Sn 3d": [*oxide, *metal, auger]}
    return Sample("x7", "recycled", 0.9, lines, {"auger_parameter": 1071.40 + 1486.6 - 496.80})


def contacted(name: str, charge_shift: float, scale: float, share: float) -> Sample:
    """X8: an electrolyte before or after contact with sodium, one with a share of zirconium reduced."""
    lines = {
        "Na 1s": sodium(58000.0 * scale),
        "P 2p": phosphorus(900.0 * scale),
        "Zr 3d": partly_reduced(30000.0 * scale, share, 180.60),
    }
    return Sample("x8", name, charge_shift, lines, {"scale": scale, "reduced": share})


def annealed(name: str, charge_shift: float, zr: float, carbonate: float) -> Sample:
    """X9: carbonate on an electrolyte before or after annealing."""
    c_c, c_o = 1300.0, 300.0
    lines = {
        "Zr 3d": zirconium(zr),
        "C 1s": carbon(c_c, c_o, carbonate),
        "O 1s": oxygen(0.9 * zr, 2.93 * (3.0 * carbonate + c_o), 1.9 * zr),
    }
    return Sample("x9", name, charge_shift, lines, {"carbonate": carbonate / zr})


def coated(name: str, charge_shift: float, gain: float, film: films.Film) -> Sample:
    """X10: a film of Na3PO4 on the electrolyte; the gain is that of the whole measurement."""
    area = {level: [gain * part for part in films.rates(level, film)] for level in ("Zr 3d", "Na 1s", "P 2p", "Si 2p")}
    on_film, in_bulk = (gain * part for part in films.rates("O 1s", film))
    make: dict[str, Callable[[float], list[Line]]]
    make = {"Zr 3d": zirconium, "Na 1s": sodium, "P 2p": phosphorus, "Si 2p": silicon}
    lines = {level: make[level](sum(parts)) for level, parts in area.items()}
    lines["O 1s"] = oxygen(in_bulk, on_film, sum(area["Na 1s"]))
    return Sample("x10", name, charge_shift, lines, {"coverage": film.coverage, "thickness": film.thickness})


SAMPLES = (
    cycled("surface", 0.7, {"Na 1s": 15.5, "Zr 3d": 6.4, "B 1s": 3.2, "Zn 2p": 1.60}),
    cycled("section", 1.6, {"Na 1s": 12.4, "Zr 3d": 7.2, "B 1s": 2.4, "Zn 2p": 1.20}),
    reduced("absent", 1.2, 0.0),
    reduced("one_percent", 0.8, 0.01),
    reduced("three_percent", 1.5, 0.03),
    recycled(),
    contacted("pristine", 1.1, 1.0, 0.0),
    contacted("contacted", 1.7, 0.83, 0.0),
    contacted("altered", 0.6, 0.90, 0.06),
    annealed("pristine", 1.9, 24000.0, 900.0),
    annealed("annealed", 1.3, 30000.0, 150.0),
    coated("bare", 1.0, 1.0, films.Film(0.0, 0.0)),
    coated("uniform", 1.8, 0.92, films.Film(1.0, 1.4)),
    coated("patchy", 1.4, 1.06, films.Film(0.6, 2.4)),
)
