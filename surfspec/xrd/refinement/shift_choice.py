r"""Which line shift: what the cells would be with a zero shift in place of the displacement that was refined.

Over a common range zero and displacement move the lines almost alike, and the cell takes up the difference. With the
costs C (chi-square and priors) of both and the factor F on the uncertainties, the zero has the probability

.. math:: p = \Big(1 + e^{(C_{zero} - C) / 2 F^2}\Big)^{-1}

at even odds beforehand, and the second moment of the cell about the one that is stated grows by
:math:`p\,\Delta\,\Delta^T`, Delta the difference of the cells (the average over models of Hoeting, Madigan, Raftery &
Volinsky 1999, Statist. Sci. 14, 382, about the value of one of them).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from surfspec.xrd.refinement.lattice import cell_of
from surfspec.xrd.refinement.least_squares import Data, State, evaluate, minimise
from surfspec.xrd.refinement.phase_model import PhaseModel

Array = NDArray[np.float64]

#: 2 theta (deg) at which both shifts are made equal to start with.
MIDDLE: Final = 50.0
#: Probability of the zero shift from which it is named, and that from which it is named as the better one.
NAMED, BETTER = 0.1, 0.99


@dataclass(frozen=True)
class ShiftChoice:
    """The zero shift in place of a displacement: its probability, and the cells (a to V, shape (phases, 7)) with it."""

    probability: float
    cells: Array

    def note(self, ids: Sequence[str], cells: Array, unc: Array) -> str:
        """Say that a zero shift explains the pattern as well, where a length of a cell differs; or nothing.

        Parameters
        ----------
        ids
            Of the phases.
        cells, unc
            As refined, without the choice of the shift in the uncertainties, shape (phases, 7).
        """
        apart = np.abs(self.cells - cells)[:, :3] > unc[:, :3]
        moved = [(i, int(np.argmax(apart[i]))) for i in range(len(ids)) if np.any(apart[i])]
        if self.probability < NAMED or not moved:
            return ""
        listed = ", ".join(
            f"{'abc'[axis]} of {ids[i]} {self.cells[i, axis]:.5f} in place of {cells[i, axis]:.5f}"
            for i, axis in moved[:3]
        )
        fits = "explains the pattern better" if self.probability > BETTER else "explains the pattern as well"
        return f"which shift: zero {fits} ({listed}), the uncertainty of the cell holds that"


def with_zero(models: Sequence[PhaseModel], state: State, fitted: Data) -> State:
    """Refine with a zero shift in place of the displacement, from where a fit ended."""
    table = state.parameters
    start = float(table.value[table.where(-1, "displacement")[0]]) * float(np.cos(np.radians(MIDDLE / 2.0)))
    table = table.changed(-1, "displacement", 0.0, free=False).changed(-1, "zero", start, free=True)
    return minimise(models, evaluate(models, table, fitted), fitted, steps=6)[0]


def choice_of(models: Sequence[PhaseModel], state: State, other: State | None, inflation: float) -> ShiftChoice | None:
    """Weigh the zero shift against the displacement refined; None where that is no question.

    Parameters
    ----------
    models, state, other
        The fit, and what :func:`with_zero` found.
    inflation
        F.
    """
    if other is None:
        return None
    cells = np.array([cell_of(one.terms, other.parameters.factors(i))[0] for i, one in enumerate(models)])
    return ShiftChoice(float(expit((state.cost - other.cost) / (2.0 * inflation**2))), cells)
