r"""How well a refinement agrees with its data: R factors, and observed areas of lines.

.. math:: R_{wp} = \sqrt{\frac{\sum w (y - m)^2}{\sum w y^2}}, \quad
   R_{exp} = \sqrt{\frac{n - p}{\sum w y^2}}, \quad
   R_B = \frac{\sum |I_{obs} - I_{calc}|}{\sum I_{obs}}

(Toby 2006, Powder Diffr. 21, 67). The observed area of a line is its share of the net signal, by the share of the
calculated pattern that it has at each point (Rietveld 1969, J. Appl. Cryst. 2, 65).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surfspec.xrd.refinement.least_squares import Data, State
from surfspec.xrd.refinement.phase_model import PhaseModel

Array = NDArray[np.float64]

#: Share of a phase in the signal at a line from which the observed area of the line is its own.
CLEAN = 0.7


@dataclass(frozen=True)
class LineAreas:
    """Lines of one phase: position and spacing, calculated area, observed over calculated, share of the phase."""

    number: NDArray[np.int64]
    two_theta: Array
    d: Array
    expected: Array
    ratio: Array
    ratio_unc: Array
    share: Array

    @property
    def r_bragg(self) -> float:
        """R_B of the phase, NaN without lines."""
        observed = self.ratio * self.expected
        total = float(observed.sum())
        return float(np.sum(np.abs(observed - self.expected)) / total) if total > 0 else float("nan")

    @property
    def scatter(self) -> tuple[float, float]:
        """Scatter of observed over calculated areas of clean lines, and how many lines carry it."""
        clean = (self.share > CLEAN) & (self.expected > 0.05 * self.expected.max(initial=0.0))
        if np.count_nonzero(clean) < 2:
            return 0.2, 1.0
        area, ratio = self.expected[clean], self.ratio[clean]
        return float(np.sqrt(np.average((ratio - 1.0) ** 2, weights=area))), float(area.sum() ** 2 / np.sum(area**2))


def r_factors(fitted: Data, state: State, parameters: int) -> dict[str, float]:
    """R_wp, R_exp (%) and the goodness of fit of a state with so many fitted numbers."""
    weight = fitted.weight**2
    total = float(np.sum(weight * fitted.y**2))
    free = max(len(fitted.y) - parameters, 1)
    misfit = float(np.sum(weight * (fitted.y - state.calculated - state.background) ** 2))
    return {"r_wp": 100.0 * np.sqrt(misfit / total), "r_exp": 100.0 * np.sqrt(free / total),
            "goodness_of_fit": np.sqrt(misfit / free)}  # fmt: skip


def line_areas(models: Sequence[PhaseModel], state: State, fitted: Data) -> list[LineAreas]:
    """Observed areas of the lines of every phase, by partition of the net signal."""
    net = fitted.y - state.background
    share_of = np.where(state.calculated > 1e-12 * state.calculated.max(initial=0.0), state.calculated, np.inf)
    steps = np.gradient(fitted.x)
    return [
        _of_phase(one, state, i, models, net / share_of * steps, steps / share_of, fitted)
        for i, one in enumerate(models)
    ]


def _of_phase(
    model: PhaseModel, state: State, place: int, models: Sequence[PhaseModel], observed: Array, own: Array, fitted: Data
) -> LineAreas:
    drawn = state.drawn[place]
    amplitudes = state.amplitudes_of(models, place)
    area = drawn.area * amplitudes[model.groups[drawn.number]]
    count = len(model.hkl)
    value = drawn.value[: len(fitted.x)]
    steps = np.gradient(fitted.x)

    def by_line(curve: Array) -> Array:
        """Sum a curve under each line."""
        return np.bincount(drawn.number, (value.T @ curve) * area, count).astype(np.float64)

    seen, inside = by_line(observed), by_line(steps)
    shared = by_line(own * (drawn.columns @ amplitudes))
    variance = by_line(steps * own / fitted.weight**2)
    total = np.bincount(drawn.number, area, count).astype(np.float64)
    center = np.full(count, np.nan)
    main = np.lexsort((drawn.area, drawn.number))
    center[drawn.number[main]] = drawn.facts["center"][main]
    keep = (inside > 0.5 * total) & (total > 0)
    q = model.parts @ state.parameters.factors(place)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio, share = seen / inside, shared / inside
        unc = np.sqrt(np.maximum(variance, 0.0)) / inside
    number = np.flatnonzero(keep).astype(np.int64)
    spacing = 1.0 / np.sqrt(q[keep])
    return LineAreas(number, center[keep], spacing, total[keep], ratio[keep], unc[keep], np.clip(share[keep], 0.0, 1.0))
