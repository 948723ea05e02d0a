"""The three samples: an electrolyte under a film of sodium phosphate, described once for XPS and LEIS.

Film model: each site carries ``monolayers`` layers of Na3PO4 with probability ``coverage`` and none otherwise.
Under the ion beam layers leave at random with the cross-section ``REMOVAL``: the number removed at a site after a
dose D is Poisson distributed with mean ``REMOVAL * D``, so the share of once covered sites that is still covered is
``sum_{i < n} exp(-x) x**i / i!`` with ``x = REMOVAL * D``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

Floats = NDArray[np.float64]

AVOGADRO = 6.02214076e23


@dataclass(frozen=True, eq=False)
class Material:
    """A homogeneous solid: formula, density [g/cm3], molar mass [g/mol], valence electrons, band gap [eV]."""

    name: str
    formula: dict[str, float]
    density: float
    molar_mass: float
    valence_electrons: float
    band_gap: float

    @property
    def formula_units(self) -> float:
        """Formula units per cm3."""
        return self.density * AVOGADRO / self.molar_mass

    def atoms(self, element: str) -> float:
        """Atoms of an element per nm3."""
        return self.formula.get(element, 0.0) * self.formula_units * 1e-21

    def share(self, element: str) -> float:
        """Atomic fraction of an element."""
        return self.formula.get(element, 0.0) / sum(self.formula.values())

    @property
    def monolayer(self) -> float:
        """Thickness of one monolayer, N**(-1/3) with N the atoms per volume [nm]."""
        return float((sum(self.formula.values()) * self.formula_units * 1e-21) ** (-1.0 / 3.0))


#: Density of Na3PO4: CRC Handbook value 2.54, here 2.536 g/cm3. Gaps are round numbers chosen for the simulation.
FILM = Material("Na3PO4", {"Na": 3.0, "P": 1.0, "O": 4.0}, 2.536, 163.941, 32.0, 5.0)
#: X-ray density of the monoclinic cell; composition of the electrolyte of Querel et al. (2021).
BULK = Material("Na3.4Zr2Si2.4P0.6O12", {"Na": 3.4, "Zr": 2.0, "Si": 2.4, "P": 0.6, "O": 12.0}, 3.27, 538.59, 96.0, 5.0)

#: Cross-section for the removal of one film layer by 3 keV He [cm2], the same on all samples.
REMOVAL = 2.5e-16


@dataclass(frozen=True)
class Sample:
    """What is on the surface, and how the instruments saw it."""

    name: str
    coverage: float
    monolayers: int
    charge_shift: float
    energy_offset: float
    carbon: float
    coverage_by_spot: dict[int, float] = field(default_factory=dict)

    @property
    def thickness(self) -> float:
        """Film thickness where there is film [nm]."""
        return self.monolayers * FILM.monolayer

    def coverage_at(self, spot: int) -> float:
        """Coverage of one analysed area before any dose."""
        return self.coverage + self.coverage_by_spot.get(spot, 0.0)


SAMPLES = (
    Sample("as_sintered", 1.00, 2, 2.3, -4.0, 0.180),
    Sample("polished", 0.05, 1, 1.1, -2.5, 0.190),
    Sample("annealed", 0.85, 2, 1.7, -5.0, 0.170, {1: 0.02, 2: 0.0, 3: -0.02}),
)


def removed(layers: int, dose: Floats | float) -> Floats:
    """Probability that exactly `layers` film layers have left a site after a dose."""
    x = REMOVAL * np.asarray(dose, dtype=np.float64)
    with np.errstate(divide="ignore"):
        log_x = np.log(x)
    return np.where(x > 0, np.exp(layers * log_x - x - gammaln(layers + 1.0)), float(layers == 0))


def stack_shares(sample: Sample, spot: int, low: float, high: float) -> dict[int, float]:
    """Mean share of the surface under 0, 1, ... film layers while the dose went from `low` to `high`.

    The average over the interval is taken by Gauss-Legendre quadrature with 24 nodes.
    """
    nodes, weights = np.polynomial.legendre.leggauss(24)
    dose = 0.5 * (high - low) * nodes + 0.5 * (high + low)
    covered = sample.coverage_at(spot)
    shares = {0: 1.0}
    for left in range(1, sample.monolayers + 1):
        mean = float(np.sum(0.5 * weights * removed(sample.monolayers - left, dose)))
        shares[left] = covered * mean
        shares[0] -= shares[left]
    return shares
