r"""Calculated patterns of a set of phases, and their refinement against a measured one.

A phase has a scale, a strained cell (factors on the terms of its reciprocal metric) and its own line width. Zero
shift and specimen displacement are common. Scales (non-negative) and the background are linear and are eliminated
by projection; the others take damped Gauss-Newton steps with Gaussian priors (variable projection, Golub & Pereyra
2003).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from surfspec.xrd.matching.measured import Measured
from surfspec.xrd.patterns import profile
from surfspec.xrd.patterns.structure_factors import Lines, lines, lorentz_polarisation
from surfspec.xrd.patterns.wavelengths import Radiation
from surfspec.xrd.recipe import Limits
from surfspec.xrd.structures.phase import Phase

Array = NDArray[np.float64]

#: Reach of drawn lines in FWHM during matching.
REACH = 8.0
#: Lines weaker than this share of the strongest are not drawn.
FAINT = 1e-3
#: Standard deviation of the prior of a relative change of line width.
WIDTH_PRIOR = 0.3
#: Limits of the size broadening of a phase, relative to the typical width of the pattern.
NARROWEST, WIDEST = 0.4, 2.5


@dataclass(frozen=True)
class Member:
    r"""A phase within a model.

    Attributes
    ----------
    phase, found
        The structure and its lines.
    strength
        m \|F\|^2 / V^2 of each line.
    metric
        Factors on the reciprocal metric terms, 1 for the card's cell.
    size, strain
        Line width H = size / cos(theta) + strain tan(theta), deg.
    sigma
        Prior standard deviation of the relative cell strain.
    texture
        Axis h, k, l and March coefficient, None for a random powder; `strength` holds it already.
    """

    phase: Phase
    found: Lines
    strength: Array
    metric: Array
    size: float
    strain: float
    sigma: float
    texture: tuple[int, int, int, float] | None = None


@dataclass(frozen=True)
class Common:
    """What all phases share: radiation, shifts (deg), Lorentzian share and monochromator angle (deg).

    ``ghosts`` are further wavelengths in the beam (K-beta, W L-alpha): angstrom and intensity relative to the main
    lines. They draw lines of their own, but their places are not refined.
    """

    light: Radiation
    zero: float = 0.0
    displacement: float = 0.0
    eta: float = 0.5
    monochromator: float = 0.0
    ghosts: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class State:
    """Members with their common parameters, and the scales that fit best.

    ``cost`` is chi-square plus the priors; ``columns`` are the unit-scale patterns, shape (n, members).
    """

    members: tuple[Member, ...]
    common: Common
    scales: Array
    columns: Array
    cost: float
    chi2: float


def member(phase: Phase, light: Radiation, data: Measured, limits: Limits) -> Member:
    """Return a phase with its card's cell and the typical line width of the pattern."""
    found = lines(phase, light.wavelengths[0], _reach(light, float(data.x[-1]) + 1.0))
    strength = found.multiplicity * found.f_squared / found.volume**2
    known = phase.cell_uncertainty or 0.0
    sigma = float(np.hypot(limits.strain, known)) if known > limits.strain else limits.strain
    return Member(phase, found, strength, np.ones(found.parts.shape[1]), data.size, data.strain, sigma)


def _reach(light: Radiation, two_theta: float) -> float:
    """2 theta (deg) of the reference line up to which any line of the radiation may fall below `two_theta`."""
    sine = np.sin(np.radians(min(two_theta, 179.0)) / 2.0) * light.wavelengths[0] / min(light.wavelengths)
    return float(2.0 * np.degrees(np.arcsin(min(sine, 1.0))))


def geometry(one: Member, common: Common) -> tuple[Array, Array, Array, Array, NDArray[np.int64]]:
    """Positions, unit-scale areas, widths (deg), wavelengths and line numbers of all lines within reach."""
    q = one.found.parts @ one.metric
    positions, areas, waves = profile.split_doublet(q, one.strength, common.light)
    numbers = np.tile(np.arange(len(q)), len(common.light.wavelengths))
    ok = np.isfinite(positions)
    positions, areas, waves, numbers = positions[ok], areas[ok], waves[ok], numbers[ok]
    areas = areas * lorentz_polarisation(positions, common.monochromator)
    theta = np.radians(positions) / 2.0
    width = one.size / np.cos(theta) + one.strain * np.tan(theta)
    return positions, areas, width, waves, numbers


def _within(positions: Array, areas: Array, width: Array, data: Measured) -> NDArray[np.bool_]:
    near = (positions > data.x[0] - 3 * width) & (positions < data.x[-1] + 3 * width)
    return np.asarray(near & (areas > FAINT * areas[near].max(initial=0.0)))


def column(one: Member, common: Common, data: Measured, reach: float = REACH) -> Array:
    """Draw a phase at unit scale on the grid of the data, shape (n,)."""
    positions, areas, width, _, _ = geometry(one, common)
    shown = profile.shift(positions, common.zero, common.displacement)
    keep = _within(shown, areas, width, data)
    main = profile.draw(data.x, shown[keep], areas[keep], width[keep], common.eta, reach)
    for wave, share in common.ghosts:
        main = main + share * ghost(one, common, data, wave, reach)
    return main


def lit_by(common: Common, wave: float) -> Common:
    """Return the same with a single wavelength of unit intensity and no ghosts."""
    return replace(common, light=Radiation("", (wave,), (1.0,)), ghosts=())


def ghost(one: Member, common: Common, data: Measured, wave: float, reach: float = REACH) -> Array:
    """Draw the lines of a phase for another wavelength (angstrom) of unit intensity, shape (n,)."""
    positions, areas, width, _, _ = geometry(one, lit_by(common, wave))
    shown = profile.shift(positions, common.zero, common.displacement)
    keep = _within(shown, areas, width, data)
    return profile.draw(data.x, shown[keep], areas[keep], width[keep], common.eta, reach)


def _column_and_slopes(one: Member, common: Common, data: Measured) -> tuple[Array, Array]:
    """Return the unit-scale pattern and its derivatives: metric terms, ln size, strain width, zero, displacement."""
    positions, areas, width, waves, numbers = geometry(one, common)
    shown = profile.shift(positions, common.zero, common.displacement)
    keep = _within(shown, areas, width, data)
    positions, shown, areas, width = positions[keep], shown[keep], areas[keep], width[keep]
    waves, numbers = waves[keep], numbers[keep]
    index, offset = profile.windows(data.x, shown, width, REACH)
    value, by_center, by_width = profile.pseudo_voigt_derivatives(offset, width[:, None], common.eta)
    theta = np.radians(positions) / 2.0
    moved = 1.0 - common.displacement * np.sin(theta) * np.pi / 360.0
    q = (one.found.parts @ one.metric)[numbers]
    by_q = np.degrees(waves / (2.0 * np.sqrt(q) * np.cos(theta))) * moved
    flat = index.ravel()
    length = len(data.x)

    def gather(block: Array, factor: Array) -> Array:
        total: Array = np.bincount(flat, (block * (areas * factor)[:, None]).ravel(), length + 1).astype(np.float64)
        return total[:length]

    ones = np.ones_like(areas)
    slopes = [gather(by_center, by_q * one.found.parts[numbers, term]) for term in range(one.found.parts.shape[1])]
    slopes += [gather(by_width, one.size / np.cos(theta)), gather(by_width, np.tan(theta))]
    slopes += [gather(by_center, ones), gather(by_center, np.cos(theta))]
    return gather(value, ones), np.stack(slopes, axis=1)


def prior_cost(members: Sequence[Member], common: Common, data: Measured, limits: Limits) -> float:
    """Sum of squared deviations from the priors, in units of their standard deviations."""
    cost = float((common.zero / limits.zero) ** 2 + (common.displacement / limits.displacement) ** 2)
    return cost + sum(member_cost(one, data) for one in members)


def member_cost(one: Member, data: Measured) -> float:
    """Sum of squared deviations of the cell and the width of one phase, in units of their standard deviations."""
    cost = float(np.sum(((one.metric - 1.0) / (2.0 * one.sigma)) ** 2))
    cost += (np.log(one.size / data.size) / WIDTH_PRIOR) ** 2
    return float(cost + ((one.strain - data.strain) / (WIDTH_PRIOR * data.size)) ** 2)


def solve(
    members: Sequence[Member], common: Common, data: Measured, limits: Limits, columns: Array | None = None
) -> State:
    """Fit scales (non-negative) and background; all other parameters stay as they are."""
    if columns is None:
        drawn = [column(one, common, data) for one in members]
        columns = np.stack(drawn, axis=1) if drawn else np.empty((len(data.x), 0))
    target = data.project(data.y)
    if columns.shape[1]:
        projected = data.project(columns)
        norm = np.linalg.norm(projected, axis=0) + 1e-300
        scaled, rest = nnls(projected / norm, target)
        scales, chi2 = np.asarray(scaled / norm), float(rest) ** 2
    else:
        scales, chi2 = np.empty(0), float(target @ target)
    cost = chi2 + prior_cost(members, common, data, limits)
    return State(tuple(members), common, scales, columns, float(cost), float(chi2))


def refine(
    state: State, data: Measured, limits: Limits, *, free: Sequence[int] | None = None, shifts: bool = True,
    iterations: int = 6,
) -> State:  # fmt: skip
    """Refine cells and widths of the members `free` (default all) and, with `shifts`, the common line shifts."""
    chosen = list(range(len(state.members))) if free is None else list(free)
    damping = 1e-3
    for _ in range(iterations):
        step = _step(state, data, limits, chosen, shifts, damping)
        if step is None:
            break
        better = None
        for fraction in (1.0, 0.3):
            trial = _moved(state, fraction * step, chosen, shifts, data, limits)
            if trial.cost < state.cost:
                better = trial
                break
        if better is None:
            damping *= 30.0
            if damping > 10.0:
                break
            continue
        gain = state.cost - better.cost
        state, damping = better, max(damping * 0.2, 1e-4)
        if gain < 0.05 + 1e-4 * state.cost:
            break
    return state


def _step(
    state: State, data: Measured, limits: Limits, chosen: list[int], shifts: bool, damping: float
) -> Array | None:
    blocks, pull, stiffness = [], [], []
    tail = np.zeros((len(data.x), 2))
    for index in chosen:
        one = state.members[index]
        _, slopes = _column_and_slopes(one, state.common, data)
        slopes = slopes * state.scales[index]
        tail += slopes[:, -2:]
        blocks.append(slopes[:, :-2])
        pull += [*((one.metric - 1.0) / (2 * one.sigma) ** 2), np.log(one.size / data.size) / WIDTH_PRIOR**2]
        pull += [(one.strain - data.strain) / (WIDTH_PRIOR * data.size) ** 2]
        stiffness += [*np.full(len(one.metric), (2 * one.sigma) ** -2), WIDTH_PRIOR**-2]
        stiffness += [(WIDTH_PRIOR * data.size) ** -2]
    if not blocks:
        return None
    if shifts:
        blocks.append(tail)
        pull += [state.common.zero / limits.zero**2, state.common.displacement / limits.displacement**2]
        stiffness += [limits.zero**-2, limits.displacement**-2]
    linear = data.project(state.columns[:, state.scales > 0]) if state.columns.size else np.empty((len(data.x), 0))
    basis, _ = np.linalg.qr(linear)
    jacobian = data.project(np.concatenate(blocks, axis=1))
    jacobian = jacobian - basis @ (basis.T @ jacobian)
    residual = data.project(data.y - state.columns @ state.scales)
    normal = jacobian.T @ jacobian + np.diag(stiffness)
    gradient = jacobian.T @ residual - np.array(pull)
    return np.asarray(np.linalg.solve(normal + damping * np.diag(np.diag(normal)), gradient))


def _moved(state: State, step: Array, chosen: list[int], shifts: bool, data: Measured, limits: Limits) -> State:
    members = list(state.members)
    at = 0
    for index in chosen:
        one = members[index]
        count = len(one.metric)
        reach = 2.0 * max(limits.largest_strain, 2.5 * one.sigma)
        metric = np.clip(one.metric + step[at : at + count], 1.0 - reach, 1.0 + reach)
        size = float(
            np.clip(one.size * np.exp(np.clip(step[at + count], -0.5, 0.5)), NARROWEST * data.size, WIDEST * data.size)
        )
        strain = float(np.clip(one.strain + step[at + count + 1], 0.0, 2.0 * data.size + 1.5 * data.strain))
        members[index] = replace(one, metric=metric, size=size, strain=strain)
        at += count + 2
    common = state.common
    if shifts:
        bound = limits.largest_shift
        common = replace(
            common,
            zero=float(np.clip(common.zero + step[at], -bound, bound)),
            displacement=float(np.clip(common.displacement + step[at + 1], -bound, bound)),
        )
        return solve(members, common, data, limits)
    columns = state.columns.copy()
    for index in chosen:
        columns[:, index] = column(members[index], common, data)
    return solve(members, common, data, limits, columns)


def without(state: State, index: int, data: Measured, limits: Limits) -> State:
    """Leave one member out; scales and background are fitted again."""
    members = [one for number, one in enumerate(state.members) if number != index]
    return solve(members, state.common, data, limits, np.delete(state.columns, index, axis=1))


def added(state: State, one: Member, data: Measured, limits: Limits) -> State:
    """Take one member more; scales and background are fitted again."""
    drawn = column(one, state.common, data)
    return solve([*state.members, one], state.common, data, limits, np.column_stack([state.columns, drawn]))
