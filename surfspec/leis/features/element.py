"""Surface peak, in-depth edge and plural-scattering foot of one element on the points of a spectrum.

The formulas stand in :mod:`surfspec.leis.model`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surfspec.leis.collisions.width import Window
from surfspec.leis.features import shapes
from surfspec.leis.features.curves import Curve
from surfspec.leis.features.lines import Lines
from surfspec.leis.recipe import FOOT_SHAPE

Array = NDArray[np.float64]

#: Straggling of a buried edge: variance over lag, eV; losses of independent collisions add up in variance.
STRAGGLING = 2.5
#: Energy over which the slope of a shoulder is quoted, eV.
SLOPE_UNIT = 1000.0


@dataclass(frozen=True)
class Features:
    """The peak, edge and foot of one element on the axis, and what their derivatives need."""

    columns: list[Array]
    peak: Curve
    edge: Curve
    foot: Curve | None
    sloped: bool
    weight: Array
    depth: Array
    width_slope: float
    lag_slope: float
    path: Array
    alive: Array
    alive_slope: float

    def slopes(self, linear: Array) -> tuple[Array, Array, Array, Array, Array, Array, Array]:
        """Return derivatives by peak position, edge position, lag, width, tail, survival, window: (n,) each."""
        area, height = linear[:2]
        slope = float(linear[2]) if self.sloped else 0.0
        level = (height + slope * self.depth) * self.alive
        by_peak = area * (self.peak.by_center @ self.weight)
        body = level * self.edge.value
        # edge, ramp and survival of the shoulder move together
        by_edge = level * self.edge.by_center + slope / SLOPE_UNIT * self.edge.value * self.alive
        if self.foot is not None:
            by_edge = by_edge + linear[-1] * self.foot.by_center * self.alive
            body = body + linear[-1] * self.foot.value * self.alive
        by_edge = by_edge + self.alive_slope * body
        by_sigma = area * (self.peak.by_sigma @ self.weight) + level * self.edge.by_sigma * self.width_slope
        by_lag = level * self.edge.by_sigma * self.lag_slope - by_edge
        by_tail = area * (self.peak.by_tail @ self.weight)
        by_box = area * (self.peak.by_box @ self.weight) + level * self.edge.by_box
        return by_peak, by_edge, by_lag, by_sigma, by_tail, -self.path * body, by_box


def features_of(
    x: Array,
    lines: Lines,
    *,
    shift: float,
    sigma: float,
    tail: float,
    lag: float,
    survival: float,
    foot_of: float | None = None,
    foot_shape: tuple[float, float] = FOOT_SHAPE,
    sloped: bool = True,
    absent: bool = False,
    box: float = 0.0,
    window: Window = "box",
) -> Features:
    """Return the features of one element.

    Parameters
    ----------
    x
        Kinetic energies, shape (n,), eV.
    lines
        The element's lines.
    shift
        Of all energies against the kinematics, eV.
    sigma, tail
        Standard deviation of each line and decay length of its tail, eV.
    lag
        How far the edge lies below the lines, eV.
    survival
        Exponent of the survival of slower ions, eV^(1/2).
    foot_of
        Ion energy in eV, which scales the foot; None for no foot.
    foot_shape
        Position of the foot above the edge and its standard deviation, in units of the ion energy.
    sloped
        Whether the shoulder may rise towards low energy.
    absent
        Leave the surface peak out.
    box, window
        Full width (eV) and shape of the window of accepted angles that blurs peak and edge; 0 where `sigma` holds it.
        Its bend is that of the lines.
    """
    width = float(np.sqrt(sigma**2 + lines.spread**2 + STRAGGLING * lag))
    at = lines.centroid + shift - lag
    peak = shapes.peak(x[:, None], lines.energy + shift, sigma, tail, box=box, window=window, bend=lines.bend)
    edge = shapes.edge(x, at, width, box=box, window=window, bend=lines.bend)
    depth = (at - x) / SLOPE_UNIT
    path = x**-0.5 - at**-0.5
    alive = np.exp(-survival * path)
    alive_slope = -0.5 * survival * at**-1.5
    profile = np.zeros_like(x) if absent else peak.value @ lines.weight
    columns = [profile, edge.value * alive, *([edge.value * depth * alive] if sloped else [])]
    foot = None
    if foot_of is not None:
        foot = shapes.edge(x, at + foot_shape[0] * foot_of, foot_shape[1] * foot_of)
        columns.append(foot.value * alive)
    return Features(
        columns,
        peak,
        edge,
        foot,
        sloped,
        lines.weight,
        depth,
        sigma / width,
        0.5 * STRAGGLING / width,
        path,
        alive,
        alive_slope,
    )
