r"""Screened Coulomb potentials between two atoms, :math:`V(r) = (Z_1 Z_2 e^2/r)\,\Phi(r/a)`, by name.

========= ======================================= ============================================================
name      screening function                      screening length `a`
========= ======================================= ============================================================
ZBL       Ziegler, Biersack and Littmark          :math:`0.88534\,a_0/(Z_1^{0.23} + Z_2^{0.23})`
TFM       Moliere                                 Firsov: :math:`0.88534\,a_0/(\sqrt{Z_1} + \sqrt{Z_2})^{2/3}`
TFM_OB    Moliere                                 Firsov times :math:`0.54 + 0.045(\sqrt{Z_1} + \sqrt{Z_2})`
KrC       Wilson, Haggmark and Biersack           Firsov
========= ======================================= ============================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from surfspec.errors import InputError

#: e^2/(4 pi epsilon_0) in eV angstrom (CODATA 2018: 14.3996454...).
COULOMB: Final = 14.3996454784
#: Bohr radius in angstrom (CODATA 2018).
BOHR: Final = 0.529177210903
#: Thomas-Fermi constant (9 pi^2/128)^(1/3), rounded as in the literature of these potentials.
THOMAS_FERMI: Final = 0.88534

_MOLIERE: Final = ((0.35, 0.55, 0.10), (0.3, 1.2, 6.0))

#: Screening functions: coefficients and exponents of sum c_i exp(-d_i x).
SCREENING: Final[dict[str, tuple[tuple[float, ...], tuple[float, ...]]]] = {
    # Ziegler, Biersack and Littmark, The Stopping and Range of Ions in Solids (1985)
    "ZBL": ((0.18175, 0.50986, 0.28022, 0.028171), (3.1998, 0.94229, 0.4029, 0.20162)),
    # Moliere, Z. Naturforsch. A 2 (1947) 133
    "TFM": _MOLIERE,
    # the same with the screening length of O'Connor and Biersack, Nucl. Instrum. Methods B 15 (1986) 14
    "TFM_OB": _MOLIERE,
    # Wilson, Haggmark and Biersack, Phys. Rev. B 15 (1977) 2458
    "KrC": ((0.190945, 0.473674, 0.335381), (0.278544, 0.637174, 1.919249)),
}


@dataclass(frozen=True)
class Potential:
    """A screened Coulomb potential between two atoms.

    Attributes
    ----------
    strength
        :math:`Z_1 Z_2 e^2`, eV angstrom.
    length
        Screening length `a`, angstrom.
    coefficients, exponents
        Of the screening function, 1.
    """

    strength: float
    length: float
    coefficients: tuple[float, ...]
    exponents: tuple[float, ...]

    def energy(self, r: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return V(r) and dV/dr (eV, eV/angstrom) at distances `r` (angstrom)."""
        x = r / self.length
        terms = [c * np.exp(-d * x) for c, d in zip(self.coefficients, self.exponents, strict=True)]
        screening = np.sum(terms, axis=0)
        slope = -np.sum([d * t for d, t in zip(self.exponents, terms, strict=True)], axis=0) / self.length
        value = self.strength / r * screening
        return value, -value / r + self.strength / r * slope


def screened_potential(z1: int, z2: int, name: str = "ZBL", *, screening_factor: float = 1.0) -> Potential:
    """Return the potential of two atomic numbers.

    Parameters
    ----------
    z1, z2
        Atomic numbers of ion and atom.
    name
        ``"ZBL"``, ``"TFM"``, ``"TFM_OB"`` or ``"KrC"``, see the table above.
    screening_factor
        Multiplies the screening length; 1 as published. About 0.8 is often used with TFM.

    Raises
    ------
    InputError
        For an unknown name or a factor that is not positive.

    Examples
    --------
    >>> round(screened_potential(2, 8, "ZBL").length, 4)
    0.1682
    """
    if name not in SCREENING:
        raise InputError(f"unknown potential {name!r}", where="potential", remedy=f"Use one of {', '.join(SCREENING)}")
    if not (np.isfinite(screening_factor) and screening_factor > 0):
        raise InputError(
            f"screening factor {screening_factor}",
            where="screening_factor",
            remedy="Use a positive number, about 0.7 to 1",
        )
    roots = float(np.sqrt(z1) + np.sqrt(z2))
    if name == "ZBL":
        length = THOMAS_FERMI * BOHR / (z1**0.23 + z2**0.23)
    else:
        length = THOMAS_FERMI * BOHR / roots ** (2.0 / 3.0)
    if name == "TFM_OB":
        length *= 0.54 + 0.045 * roots
    coefficients, exponents = SCREENING[name]
    return Potential(COULOMB * z1 * z2, float(length * screening_factor), coefficients, exponents)
