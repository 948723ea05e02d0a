"""The table of parameters of a refinement: names, values, limits, priors, what is free."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from surfspec.xrd.refinement.phase_model import COMMON, OWN

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

#: Limits of the parameters by role; metric terms move by 8 %, a cell length by 4 %.
LIMITS: Final = {
    "zero": (-1.0, 1.0), "displacement": (-1.0, 1.0), "U": (-0.5, 2.0), "V": (-1.0, 0.5), "W": (1e-6, 2.0),
    "asymmetry": (-0.02, 0.2), "p": (0.92, 1.08), "X": (0.0, 2.0), "Y": (0.0, 3.0), "r": (0.2, 4.0), "B": (-3.0, 3.0),
    "overspill": (0.0, 0.9),
}  # fmt: skip
#: Units by role.
UNITS: Final = {
    "zero": "deg", "displacement": "deg", "U": "deg2", "V": "deg2", "W": "deg2", "asymmetry": "deg", "p": "1",
    "X": "deg", "Y": "deg", "r": "1", "B": "angstrom2", "overspill": "1",
}  # fmt: skip
#: Roles that rest on a limit without anything being wrong: a width that is not there.
NATURAL: Final = ("X", "Y", "W", "asymmetry", "overspill")


@dataclass(frozen=True)
class Parameters:
    """Nonlinear parameters, arrays of one length; ``owner`` is the number of the phase, -1 for common ones."""

    names: tuple[str, ...]
    roles: tuple[str, ...]
    owner: NDArray[np.int64]
    value: Array
    low: Array
    high: Array
    free: Mask
    prior: Array
    prior_unc: Array

    def with_values(self, value: Array) -> Parameters:
        """Return the same table with other values, clipped to the limits."""
        return replace(self, value=np.clip(value, self.low, self.high))

    def freed(self, free: Mask) -> Parameters:
        """Return the same table with other free parameters."""
        return replace(self, free=free)

    def of_phase(self, number: int) -> dict[str, float]:
        """Return common values and those of a phase by role."""
        mine = (self.owner == -1) | (self.owner == number)
        return {self.roles[i]: float(self.value[i]) for i in np.flatnonzero(mine)}

    def factors(self, number: int) -> Array:
        """Return the factors on the metric terms of a phase."""
        return self.value[self.where(number, "p")]

    def where(self, number: int, role: str) -> NDArray[np.intp]:
        """Return the places of a role of a phase (-1: common); ``"p"`` for all metric terms in order."""
        hit = [i for i, one in enumerate(self.roles)
               if self.owner[i] == number and (one == role or (role == "p" and one.startswith("p")))]  # fmt: skip
        return np.array(hit, dtype=np.intp)

    def changed(self, number: int, role: str, value: float, *, free: bool | None = None) -> Parameters:
        """Return the table with one value set, and freed or fixed where asked."""
        place = self.where(number, role)
        values, mask = self.value.copy(), self.free.copy()
        values[place] = value
        if free is not None:
            mask[place] = free
        return replace(self, value=values, free=mask)


def table(ids: Sequence[str], terms: Sequence[int], sigmas: Sequence[float]) -> Parameters:
    """Make the table for phases with so many metric terms and relative cell priors (0: none); nothing is free yet."""
    rows: list[tuple[str, str, int]] = [(name, name, -1) for name in COMMON]
    for number, (phase, count) in enumerate(zip(ids, terms, strict=True)):
        rows += [(f"{phase}.p{t}", f"p{t}", number) for t in range(count)]
        rows += [(f"{phase}.{role}", role, number) for role in OWN]
    roles = tuple(role for _, role, _ in rows)
    start = {"W": 0.005, "r": 1.0}
    limits = np.array([LIMITS["p" if role.startswith("p") else role] for role in roles])
    value = np.array([1.0 if role.startswith("p") else start.get(role, 0.0) for role in roles])
    prior = np.where(np.array([role.startswith("p") for role in roles]), 1.0, 0.0)
    unc = np.full(len(rows), np.inf)
    for i, (_, role, number) in enumerate(rows):
        if role.startswith("p") and sigmas[number] > 0:
            unc[i] = 2.0 * sigmas[number]  # 1/d^2 changes twice as much as d
    count = len(rows)
    return Parameters(
        tuple(name for name, _, _ in rows), roles, np.array([number for _, _, number in rows]), value,
        limits[:, 0].copy(), limits[:, 1].copy(), np.zeros(count, dtype=bool), prior, unc,
    )  # fmt: skip


def unit_of(role: str) -> str:
    """Return the unit of a role."""
    return UNITS["p" if role.startswith("p") else role]
