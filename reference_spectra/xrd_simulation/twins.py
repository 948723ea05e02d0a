"""Twins of the XRD analyses of four papers: what was put under the beam, with structures that cards do not change.

Cells are moved on purpose against those of the cards, as real samples are, so that there is a shift to find.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from nasicon_simulation.structures import STRUCTURES as STUDY

from xrd_simulation.crystals import Cell, Crystal, Site, mass
from xrd_simulation.optics import Optics, radiation
from xrd_simulation.patterns import Background, Part, Pattern
from xrd_simulation.reflections import Texture


def _site(species: dict[str, float], x: float, y: float, z: float, b: float) -> Site:
    return Site(tuple(species.items()), (x, y, z), b)


def _nasicon_type(name: str, cell: Cell, metal: dict[str, float]) -> Crystal:
    """Na3M2(PO4)3 in R-3c: framework of Na3V2(PO4)3, idealised by distance least squares."""
    sites = (
        _site(metal, 0.0, 0.0, 0.147, 0.5), _site({"P": 1.0}, 0.2935, 0.0, 0.25, 0.6),
        _site({"Na": 0.805}, 0.0, 0.0, 0.0, 3.0), _site({"Na": 0.731}, 0.6444, 0.0, 0.25, 3.0),
        _site({"O": 1.0}, 0.1798, -0.0259, 0.1938, 1.0), _site({"O": 1.0}, 0.1908, 0.1695, 0.0899, 1.0),
    )  # fmt: skip
    return Crystal(name, "R -3 c:H", cell, sites)


def _study(name: str) -> Crystal:
    """Structure of the simulated study."""
    one = STUDY[name]
    return Crystal(name, one.space_group, one.cell, tuple(_site(*site) for site in one.sites))


CRYSTALS = {
    **{name: _study(name) for name in STUDY},
    "Na3V2P3O12": _nasicon_type("Na3V2P3O12", (8.7310, 8.7310, 21.8130, 90.0, 90.0, 120.0), {"V": 1.0}),
    # a and c of the paper's cell are not in its text: a choice between Na3V2(PO4)3 and Na3Cr2(PO4)3
    "NVCP": _nasicon_type("NVCP", (8.7070, 8.7070, 21.7640, 90.0, 90.0, 120.0), {"V": 0.75, "Cr": 0.25}),
    "Na2CO3_gamma": Crystal(
        "Na2CO3_gamma", "C 1 2/m 1", (8.9100, 5.2420, 6.0480, 90.0, 101.35, 90.0),
        (
            _site({"Na": 1.0}, 0.0, 0.0, 0.0, 2.0), _site({"Na": 1.0}, 0.0, 0.0, 0.5, 1.6),
            _site({"Na": 1.0}, 0.1715, 0.5, 0.7476, 2.6), _site({"C": 1.0}, 0.1643, 0.5, 0.2489, 1.4),
            _site({"O": 1.0}, 0.1024, 0.2945, 0.2851, 2.8), _site({"O": 1.0}, 0.2899, 0.5, 0.1777, 2.6),
        ),
    ),
    "SnO2": Crystal(
        "SnO2", "P 42/m n m", (4.7385, 4.7385, 3.1875, 90.0, 90.0, 90.0),
        (_site({"Sn": 1.0}, 0.0, 0.0, 0.0, 0.4), _site({"O": 1.0}, 0.307, 0.307, 0.0, 0.6)),
    ),
}  # fmt: skip

#: Crystallite size (nm), strain, texture by phase.
HABITS = {
    "NZSP_C2c": (140.0, 2e-4, Texture((0, 0, 1), 0.94)),
    "ZrO2_m": (55.0, 4e-4, None),
    "ZrSiO4": (80.0, 1e-4, None),
    "Pb_fcc": (70.0, 1e-4, Texture((1, 1, 1), 0.85)),
    "Na_bcc": (300.0, 0.0, Texture((1, 1, 0), 0.80)),
    "Na15Pb4": (60.0, 5e-4, None),
    "Na2CO3_gamma": (60.0, 3e-4, Texture((0, 0, 1), 0.90)),
    "Na3V2P3O12": (90.0, 3e-4, None),
    "NVCP": (75.0, 4e-4, None),
    "SnO2": (12.0, 8e-4, None),
}
#: Line scatter by few crystallites (standard deviation of the logarithm): soft metals have large grains.
GRAINS = {"Na_bcc": 0.30, "Pb_fcc": 0.10, "Na15Pb4": 0.10}


@dataclass(frozen=True)
class Twin:
    """One file: row of the analysis, stem, weights by phase, radiation, counts, displacement, background."""

    row: str
    stem: str
    says: str
    weights: dict[str, float]
    radiation: str = "CuKa"
    top: float = 9000.0
    zero: float = 0.012
    displacement: float = 0.020
    axis: tuple[float, float, float] = (10.0, 80.0, 0.02)
    background: Background = field(default=Background(260.0, 1.8, 6.0, -0.004))
    cells: dict[str, Cell] = field(default_factory=dict)

    @property
    def pattern(self) -> Pattern:
        """What was under the beam, for the simulation."""
        optics = Optics(
            radiation(self.radiation, 0.006 if self.radiation == "CuKa" else 0.0),
            27.28 if self.radiation == "CuKa1" else 0.0, (0.0030, -0.0015, 0.0055), 0.022, 0.030,
            self.zero, self.displacement, 0.0, "voigt", 1.6, 1.04,
        )  # fmt: skip
        parts = tuple(self._part(name, weight) for name, weight in self.weights.items())
        return Pattern(self.stem, self.axis, optics, parts, self.background, self.top)

    def crystal(self, name: str) -> Crystal:
        """Structure of a phase in the cell that it has here."""
        one = CRYSTALS[name]
        return replace(one, cell=self.cells[name]) if name in self.cells else one

    def _part(self, name: str, weight: float) -> Part:
        size, strain, texture = HABITS[name]
        return Part(self.crystal(name), weight, size, strain, texture, GRAINS.get(name, 0.0))


_COVERED = Background(320.0, 2.0, 6.0, -0.004, ((240.0, 21.5, 3.5),))
_CARBON = Background(300.0, 1.8, 6.0, -0.004, ((120.0, 24.0, 4.5),))
_FLUORESCENT = Background(900.0, 0.6, 6.0, -0.002)


def _pellet(tenths: int) -> Twin:
    """Return a pellet of the series: the cell shrinks a little with x, ZrO2 grows, ZrSiO4 at 0.3 only."""
    x = 0.1 * tenths
    zirconia, zircon = 0.020 + 0.12 * x, 0.028 if tenths == 3 else 0.0
    weights = {"NZSP_C2c": 1.0 - zirconia - zircon, "ZrO2_m": zirconia}
    if zircon:
        weights["ZrSiO4"] = zircon
    cell: Cell = (15.652 - 0.030 * x, 9.055 - 0.012 * x, 9.218 - 0.010 * x, 90.0, 123.71, 90.0)
    return Twin(
        "D5", f"d5_x{tenths}", f"sintered pellet, x = {x:.1f}", weights, displacement=0.010 + 0.012 * tenths,
        zero=-0.008, cells={"NZSP_C2c": cell, "ZrO2_m": (5.1540, 5.2130, 5.3200, 90.0, 99.22, 90.0)},
    )  # fmt: skip


TWINS = (
    Twin("D1", "d1_minor_zirconia", "electrolyte with a minor phase", {"NZSP_C2c": 0.971, "ZrO2_m": 0.029}),
    Twin(
        "D2", "d2_lead_on_electrolyte", "lead and carbon on the electrolyte",
        {"NZSP_C2c": 0.862, "Pb_fcc": 0.118, "ZrO2_m": 0.020}, displacement=0.035, background=_CARBON,
    ),
    Twin(
        "D3", "d3_after_sodium", "lead and carbon on the electrolyte after molten sodium, under a film",
        {"NZSP_C2c": 0.360, "Na15Pb4": 0.330, "Na_bcc": 0.310}, displacement=0.045, background=_COVERED, top=6000.0,
    ),
    Twin(
        "D4", "d4_annealed", "sodium carbonate with lead acetate after 550 C: no carbonate left",
        {"Pb_fcc": 1.0}, background=_CARBON, top=40000.0,
    ),
    Twin(
        "D4", "d4_control", "the same with carbonate left, to hold the limit against",
        {"Pb_fcc": 0.70, "Na2CO3_gamma": 0.30}, background=_CARBON, top=40000.0,
    ),
    *(_pellet(tenths) for tenths in range(4)),
    Twin(
        "D6", "d6_before", "electrolyte powder coated with SnO2, Co K-alpha",
        {"NZSP_C2c": 0.965, "SnO2": 0.035}, "CoKa", background=_FLUORESCENT, top=7000.0, axis=(10.0, 90.0, 0.02),
    ),
    Twin(
        "D6", "d6_after", "the same powder after molten sodium, sodium scraped off: nothing new",
        {"NZSP_C2c": 0.975, "SnO2": 0.025}, "CoKa", background=_FLUORESCENT, top=6200.0, axis=(10.0, 90.0, 0.02),
        displacement=-0.025,
    ),
    Twin(
        "D6", "d6_control", "the same powder with a new phase, to hold the limit against",
        {"NZSP_C2c": 0.950, "SnO2": 0.025, "ZrO2_m": 0.025}, "CoKa", background=_FLUORESCENT, top=6200.0,
        axis=(10.0, 90.0, 0.02), displacement=-0.025,
    ),
    Twin(
        "D7", "d7_cathode_electrolyte", "mixture of cathode and electrolyte",
        {"Na3V2P3O12": 0.45, "NZSP_C2c": 0.55}, background=Background(420.0, 1.4, 6.0, -0.003),
    ),
    Twin(
        "D8", "d8_cathode", "cathode Na3V1.5Cr0.5(PO4)3, one phase",
        {"NVCP": 1.0}, background=Background(500.0, 1.4, 6.0, -0.003), top=16000.0, axis=(10.0, 90.0, 0.02),
        zero=0.0, displacement=0.030,
    ),
    Twin(
        "D9", "d9_pure", "phase purity of the electrolyte, monochromatic Cu K-alpha1",
        {"NZSP_C2c": 1.0}, "CuKa1", axis=(10.0, 79.993, 0.033), top=14000.0, zero=-0.010,
    ),
)  # fmt: skip


def density(crystal: Crystal) -> float:
    """Mass over volume (g/cm3)."""
    return float(np.round(mass(crystal) / crystal.volume * 1.66053907, 4))
