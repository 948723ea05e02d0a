"""Random mixtures with known truth: ``draw(seed)`` gives a sample, its nuisances and the candidates of the question.

Each quantity comes from a stream of its own (seed and name), so a nuisance that is turned off changes no other draw.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import poisson

from xrd_simulation.crystals import Crystal, card, cards, moved, strained
from xrd_simulation.optics import Optics, radiation
from xrd_simulation.patterns import Background, Part, Pattern, expected
from xrd_simulation.reflections import Texture

Floats = NDArray[np.float64]

SEED = 20221127
#: Phases that a sample of each chemistry may hold.
CHEMISTRIES = {
    "NaSICON": (
        "NZSP_C2c", "ZrO2_m", "ZrO2_t", "ZrSiO4", "Na3PO4_high", "NaZr2P3O12", "Na2ZrO3", "quartz", "cristobalite",
        "Na3V2P3O12",
    ),
    "Na-Pb": ("Pb_fcc", "Na15Pb4", "NaPb", "NaPb3", "Na_bcc", "PbO_alpha", "PbO_beta", "NaOH", "Na2CO3_gamma"),
    "oxides": (
        "corundum", "ZnO", "CaF2", "rutile", "anatase", "hematite", "magnetite", "NiO", "V2O5", "SnO2", "MgO", "CeO2",
        "quartz", "ZrO2_m", "In2O3", "Bi2O3_alpha", "Cr2O3", "Y2O3", "LaO3H3", "MoO3",
    ),
    "carbonates": (
        "calcite", "dolomite", "magnesite", "siderite", "rhodochrosite", "Li2CO3", "Na2CO3_gamma", "NaHCO3",
        "portlandite", "brucite", "quartz", "halite",
    ),
}  # fmt: skip
#: What can be turned off one at a time.
NUISANCES = (
    "texture", "grains", "cell", "shift", "profile", "width", "background", "structure", "transparency", "unknown",
)  # fmt: skip
#: Elements that are always allowed: air.
AIR = frozenset({"O", "C", "H"})
#: Share of samples with a phase that is not among the candidates.
UNKNOWN_SHARE = 0.4


@dataclass(frozen=True)
class Sample:
    """A random sample and what is asked of it.

    ``weights``: fraction of every phase by card, unknown one included. ``unknown``: card that is kept from the
    candidates, "" for none. ``elements``: those of the sample and of air.
    """

    seed: int
    chemistry: str
    radiation: str
    pattern: Pattern
    weights: dict[str, float]
    unknown: str
    elements: frozenset[str]
    nuisances: tuple[str, ...]

    def candidates(self, *, blind: bool = False) -> tuple[str, ...]:
        """Names of the cards that may be asked for: all, or those of the elements; never the unknown one."""
        return tuple(
            one.name for one in cards() if one.name != self.unknown and (blind or one.elements <= self.elements)
        )

    def counts(self) -> tuple[Floats, NDArray[np.int64]]:
        """Angles (deg) and drawn counts."""
        mean = expected(self.pattern, stream(self.seed, "grains"))
        uniform = stream(self.seed, "counts").random(mean.size)
        return self.pattern.two_theta, np.asarray(poisson.ppf(uniform, mean), dtype=np.int64)


def stream(seed: int, name: str) -> np.random.Generator:
    """Return the random stream that belongs to a seed and a name."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([SEED, seed, zlib.crc32(name.encode())])))


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _amounts(seed: int, chemistry: str, unknown: bool) -> tuple[dict[str, float], str]:
    """Weights of one to four phases, log-uniform over two decades, and the unknown one."""
    rng = stream(seed, "amounts")
    count = int(rng.choice([1, 2, 3, 4], p=[0.2, 0.35, 0.3, 0.15]))
    names = [str(one) for one in rng.choice(CHEMISTRIES[chemistry], size=count + 1, replace=False)]
    shares = np.exp(rng.uniform(np.log(0.01), 0.0, size=count + 1))
    strange = bool(rng.random() < UNKNOWN_SHARE) and unknown
    names, shares = (names, shares) if strange else (names[:count], shares[:count])
    shares = shares / shares.sum()
    return dict(zip(names, map(float, shares), strict=True)), names[-1] if strange else ""


def _part(seed: int, name: str, weight: float, on: Collection[str]) -> Part:
    """One phase with its own cell, atoms, texture, grains and widths."""
    crystal = original = card(name)
    rng = stream(seed, f"cell {name}")
    sd = float(np.hypot(0.0008, 0.4 * original.cell_uncertainty))
    edges = np.clip(rng.standard_normal(), -2.5, 2.5) * sd + 0.0004 * np.clip(rng.standard_normal(3), -2.5, 2.5)
    angle = 0.04 * float(np.clip(rng.standard_normal(), -2.5, 2.5))
    if "cell" in on:
        crystal = strained(crystal, edges, angle)
    if "structure" in on:
        crystal, _ = moved(crystal, 0.02, 0.3, stream(seed, f"structure {name}"))
    rng = stream(seed, f"texture {name}")
    planes = ((1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (1, 0, 1), (1, 1, 1), (1, 0, 4))
    plane = planes[int(rng.integers(len(planes)))]
    strength = float(np.exp(np.clip(0.22 * rng.standard_normal(), -0.6, 0.6)))
    texture = Texture(plane, strength) if "texture" in on else None
    rng = stream(seed, f"width {name}")
    size, strain = _log_uniform(rng, 25.0, 400.0), abs(float(rng.normal(0.0, 0.0005)))
    if "width" not in on:
        size, strain = 120.0, 0.0
    coarse = stream(seed, f"coarse {name}")
    graininess = float(coarse.choice([0.0, 0.08, 0.2, 0.4], p=[0.3, 0.4, 0.2, 0.1])) if "grains" in on else 0.0
    return Part(crystal, weight, size, strain, texture, graininess, _same_cell(crystal, original))


def _same_cell(crystal: Crystal, original: Crystal) -> Crystal:
    """Return the crystal of the card in the cell of the sample: its operations give the atoms that were moved."""
    return Crystal(original.name, original.space_group, crystal.cell, original.sites, original.cell_uncertainty)


def _optics(seed: int, name: str, on: Collection[str]) -> Optics:
    """Diffractometer and place of the sample in it."""
    rng = stream(seed, "instrument")
    w = _log_uniform(rng, 0.002, 0.012)
    beta = float(rng.choice([0.0, 0.004, 0.012]))
    monochromator = float(rng.choice([0.0, 26.6])) if name == "CuKa" else 0.0
    caglioti = (0.3 * w, -0.2 * w, w)
    lorentz = _log_uniform(rng, 0.01, 0.05)
    axial = float(rng.uniform(0.0, 0.045))
    shape = str(rng.choice(["voigt", "pearson"]))
    exponent, skew = float(rng.uniform(1.2, 3.0)), float(np.exp(0.08 * rng.standard_normal()))
    move = stream(seed, "shift")
    zero, displacement = 0.04 * move.standard_normal(), 0.06 * move.standard_normal()
    clear = float(stream(seed, "transparency").uniform(0.0, 0.03))
    plain = "profile" not in on
    return Optics(
        radiation(name, 0.0 if plain else beta), monochromator, caglioti, lorentz,
        0.0 if plain else axial,
        float(np.clip(zero, -0.1, 0.1)) if "shift" in on else 0.0,
        float(np.clip(displacement, -0.15, 0.15)) if "shift" in on else 0.0,
        clear if "transparency" in on else 0.0,
        "voigt" if plain else shape, exponent, 1.0 if plain else skew,
    )  # fmt: skip


def _background(seed: int, top: float, on: Collection[str]) -> Background:
    """Level with fluorescence, air scatter, one or two humps."""
    rng = stream(seed, "background")
    level = max(top * _log_uniform(rng, 0.005, 0.15), 5.0)
    air, decay = float(rng.uniform(0.0, 3.0)), float(rng.uniform(3.0, 10.0))
    height = float(rng.choice([0.0, 0.3, 1.5])) * level
    place, width = float(rng.uniform(18.0, 32.0)), float(rng.uniform(2.5, 6.0))
    if "background" not in on:
        return Background(level, 0.0, 6.0, 0.0, ())
    humps = ((height, place, width), (0.4 * height, place + 18.0, 1.5 * width)) if height > 0 else ()
    return Background(level, air, decay, float(rng.uniform(-0.006, 0.0)), humps)


def draw(seed: int, *, nuisances: Collection[str] = NUISANCES, chemistry: str = "") -> Sample:
    """Draw a random sample.

    Parameters
    ----------
    seed
        The same seed gives the same sample.
    nuisances
        Those of `NUISANCES` that act; the others have their plain value.
    chemistry
        One of `CHEMISTRIES`; by default drawn as well.

    Returns
    -------
    Sample
        Call ``counts()`` for the pattern and ``candidates()`` for the phases that may be asked for.
    """
    if wrong := set(nuisances) - set(NUISANCES):
        raise ValueError(f"no such nuisance: {', '.join(sorted(wrong))}")
    rng = stream(seed, "question")
    chosen = chemistry or str(rng.choice(list(CHEMISTRIES)))
    name = str(rng.choice(["CuKa", "CuKa", "CuKa", "CuKa1", "CoKa"]))
    axes = ((10.0, 80.0, 0.02), (10.0, 70.0, 0.02), (15.0, 90.0, 0.02), (10.0, 80.0, 0.033), (5.0, 65.0, 0.013))
    axis = axes[int(rng.integers(len(axes)))]
    top = _log_uniform(rng, 400.0, 4e4)
    weights, unknown = _amounts(seed, chosen, "unknown" in nuisances)
    parts = tuple(_part(seed, one, share, nuisances) for one, share in weights.items())
    pattern = Pattern(
        f"mixture {seed}", axis, _optics(seed, name, nuisances), parts, _background(seed, top, nuisances), top
    )
    elements = frozenset().union(*(card(one).elements for one in weights)) | AIR
    return Sample(seed, chosen, name, pattern, weights, unknown, elements, tuple(sorted(nuisances)))
