r"""One phase in a pattern: its lines as they depend on the parameters, drawn, with exact derivatives.

.. math:: G^2 = U\tan^2\theta + V\tan\theta + W, \qquad L = X/\cos\theta + Y\tan\theta

G is common to all phases (the instrument), X (size) and Y (strain) belong to the phase. Lines shift by

.. math:: 2\theta_{obs} = 2\theta + z + \delta\cos\theta - f\,A\cot2\theta

where axial divergence spreads each line over f = 0..1 by Simpson's rule (Howard 1982, J. Appl. Cryst. 15, 615).
What varies slowly (LP, the theta of widths) is kept at the positions of the cell a round of the fit began with.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array

from surfspec.xrd.patterns.optics import Optics, overspill_factor
from surfspec.xrd.patterns.profile import two_theta_of, windows
from surfspec.xrd.patterns.structure_factors import lines
from surfspec.xrd.patterns.texture import march_factor, texture_cosines
from surfspec.xrd.patterns.wavelengths import Radiation
from surfspec.xrd.refinement.lattice import Lattice, allowed, metric_terms, parts_of
from surfspec.xrd.refinement.line_shape import Block, Blocks, Shape, block, shape
from surfspec.xrd.structures.phase import Phase

Array = NDArray[np.float64]
Index = NDArray[np.int64]

#: Parameters common to all phases, and those of each phase after the terms of its metric.
COMMON = ("zero", "displacement", "U", "V", "W", "asymmetry", "overspill")
OWN = ("X", "Y", "r", "B")
#: Lines are drawn out to this many FWHM, those below a share of the strongest line to a part of it: what is cut off is
#: everywhere below 2e-4 of the strongest line. The weakest are shifted by asymmetry and not spread.
REACH = 25.0
LEVELS = ((0.1, 1.0), (0.02, 0.5), (0.0, 0.25))
#: Lines weaker than this share of the strongest are left out.
FAINT = 2e-4
#: Smallest Gaussian width, deg.
NARROWEST = 0.005
#: Simpson nodes of a line whose asymmetry shows: squared positions and weights.
_NODES = np.array([0.0, 0.0625, 0.25, 0.5625, 1.0])
_WEIGHTS = np.array([1.0, 4.0, 2.0, 4.0, 1.0]) / 12.0
#: Shift by asymmetry, in FWHM, from which a line is drawn at all nodes.
_VISIBLE = 0.02


@dataclass(frozen=True)
class PhaseModel:
    """What stays the same of a phase during a round.

    Attributes
    ----------
    phase, light
        The structure or lattice, and the radiation.
    hkl, parts, terms
        Lines, shares of 1/d^2 and matrices of the metric.
    strength
        Area of each line at unit scale and card B, without LP, shape (lines,); 1 for Pawley.
    direction, squared
        Texture direction and squared cosines, None and empty without.
    groups
        Number of the linear amplitude each line belongs to (0 with a structure), shape (lines,).
    reference
        2 theta of each line and wavelength at which slow factors are taken, deg, shape (waves, lines).
    slow
        LP times slit factor times wavelength weight, shape (waves, lines).
    """

    phase: Phase | Lattice
    light: Radiation
    hkl: Index
    parts: Array
    terms: Array
    strength: Array
    direction: tuple[int, int, int] | None
    squared: Array
    groups: Index
    reference: Array
    slow: Array

    @property
    def pawley(self) -> bool:
        """Whether the areas of the lines are free."""
        return bool(np.any(self.groups > 0)) or isinstance(self.phase, Lattice)

    @property
    def count(self) -> int:
        """Number of linear amplitudes."""
        return int(self.groups.max(initial=0)) + 1


def build(
    phase: Phase | Lattice, light: Radiation, span: tuple[float, float], *, factors: Array | None = None,
    pawley: bool = False, direction: tuple[int, int, int] | None = None, optics: Optics | None = None,
    resolution: float = 0.1,
) -> PhaseModel:  # fmt: skip
    """Prepare a phase for a pattern over `span` (deg), with lines closer than `resolution` (deg) as one for Pawley."""
    margin = 1.0
    top, wave = min(span[1] + margin, 178.0), min(light.wavelengths)
    free = pawley or isinstance(phase, Lattice)
    if isinstance(phase, Lattice) or free:
        hkl = allowed(phase, wave / (2.0 * np.sin(np.radians(top) / 2.0)))
        parts = parts_of(phase, hkl)
        strength = np.ones(len(hkl))
    else:
        found = lines(phase, wave, top)
        hkl, parts = found.hkl, found.parts
        strength = found.multiplicity * found.f_squared / found.volume**2
    q = parts @ (np.ones(parts.shape[1]) if factors is None else factors)
    order = np.argsort(q, kind="stable")
    hkl, parts, strength, q = hkl[order], parts[order], strength[order], q[order]
    reference = np.stack([two_theta_of(q, value) for value in light.wavelengths])
    with np.errstate(invalid="ignore"):
        inside = np.any((reference > span[0] - margin) & (reference < span[1] + margin), axis=0)
    hkl, parts, strength, reference = hkl[inside], parts[inside], strength[inside], reference[:, inside]
    with np.errstate(invalid="ignore", divide="ignore"):
        slow = (optics or Optics()).factor(reference) * np.array(light.weights)[:, None]
    slow = np.where(np.isfinite(reference), slow, 0.0)
    if free:
        # the largest area over the scale of one keeps amplitudes of one phase alike
        slow = np.where(slow > 0, np.array(light.weights)[:, None], 0.0)
        jumps = np.diff(reference[0], prepend=reference[0, :1]) > resolution
        groups = np.cumsum(jumps).astype(np.int64)
        strength = strength / np.bincount(groups)[groups]
    else:
        keep = strength * slow[0] > FAINT * float((strength * slow[0]).max(initial=0.0))
        hkl, parts, strength, reference, slow = (
            hkl[keep],
            parts[keep],
            strength[keep],
            reference[:, keep],
            slow[:, keep],
        )
        groups = np.zeros(len(hkl), dtype=np.int64)
    squared = np.empty((len(hkl), 0))
    if direction is not None:
        squared = texture_cosines(hkl, cast(Phase, phase), direction=direction)
    return PhaseModel(
        phase, light, hkl, parts, metric_terms(phase), strength, direction, squared, groups, reference, slow
    )


@dataclass(frozen=True)
class Drawn:
    """A phase drawn at some parameters: sparse blocks (points x drawn lines), and what each drawn line is.

    ``columns`` are the unit patterns of the linear amplitudes, shape (n, count).
    """

    columns: Array
    lines: Blocks
    shape: Shape
    number: Index
    area: Array
    facts: dict[str, Array]

    @property
    def value(self) -> csc_array:
        """Lines of unit area, points x drawn lines."""
        return self.lines.value


def draw(
    model: PhaseModel,
    grid: Array,
    values: dict[str, float],
    factors: Array,
    blur: float = 0.0,
    reach: float = REACH,
) -> Drawn:
    """Draw a phase.

    Parameters
    ----------
    model
        The phase.
    grid
        2 theta, deg, shape (n,).
    values
        Of ``COMMON`` and, for this phase, of ``OWN``.
    factors
        On the terms of the metric.
    blur
        FWHM (deg) of a Gaussian that the data were smoothed with.
    reach
        Half width of the drawn part of strong lines, FWHM.
    """
    facts = _facts(model, values, factors)
    gauss = np.sqrt(np.maximum(facts["gauss_squared"], NARROWEST**2) + blur**2)
    lorentz = np.maximum(facts["lorentz"], 0.0)
    one = shape(gauss, lorentz)
    near = (facts["center"] > grid[0] - 5 * one.width) & (facts["center"] < grid[-1] + 5 * one.width)
    facts = {name: value[near] for name, value in facts.items()} | {"gauss": gauss[near]}
    facts = _spread(facts, one.width[near], values["asymmetry"])
    share = facts["area"] / max(float(facts["area"].max(initial=0.0)), 1e-300)
    order = np.argsort(-share, kind="stable")
    facts = {name: value[order] for name, value in facts.items()}
    number = facts["number"].astype(np.int64)
    one = shape(facts["gauss"], np.maximum(facts["lorentz"], 0.0))
    edges = [int(np.searchsorted(-share[order], -level, side="right")) for level, _ in LEVELS]
    drawn = _blocks(grid, facts["center"], one, edges, reach)
    if model.count == 1:
        columns = (drawn.value @ facts["area"])[: len(grid), None]
    else:
        places = (np.arange(len(number)), model.groups[number])
        weight = csc_array((facts["area"], places), shape=(len(number), model.count))
        columns = (drawn.value @ weight).toarray()[: len(grid)]
    return Drawn(columns, drawn, one, number, facts["area"], facts)


def _facts(model: PhaseModel, values: dict[str, float], factors: Array) -> dict[str, Array]:
    """Everything about each line and wavelength, flat."""
    theta = np.radians(model.reference) / 2.0
    tangent, cosine = np.tan(theta), np.cos(theta)
    q = model.parts @ factors
    waves = np.array(model.light.wavelengths)[:, None]
    with np.errstate(invalid="ignore"):
        sine = waves * np.sqrt(np.maximum(q, 1e-12)) / 2.0
        true = np.degrees(2.0 * np.arcsin(np.where(sine < 1.0, sine, np.nan)))
        by_q = np.degrees(waves / (2.0 * np.sqrt(np.maximum(q, 1e-12)) * np.sqrt(1.0 - sine**2)))
    factor, factor_by = np.ones(len(q)), np.zeros(len(q))
    if model.direction is not None:
        factor, factor_by = march_factor(model.squared, values["r"])
    damp = np.exp(-0.5 * values["B"] * q_of(model))
    lit, lit_by = overspill_factor(np.where(np.isfinite(model.reference), model.reference, 90.0), values["overspill"])
    if model.pawley:
        lit, lit_by = np.ones_like(lit), np.zeros_like(lit)
    area = model.strength * factor * damp * lit * model.slow
    ok = np.isfinite(true) & np.isfinite(model.reference) & (model.slow > 0)
    number = np.broadcast_to(np.arange(len(q), dtype=np.float64), true.shape)
    cotangent = np.clip(1.0 / np.tan(np.radians(np.where(ok, model.reference, 90.0))), -20.0, 20.0)
    shown = true + values["zero"] + values["displacement"] * cosine
    table = {
        "center": shown, "by_q": by_q, "cosine": cosine, "tangent": tangent, "cotangent": cotangent, "area": area,
        "gauss_squared": values["U"] * tangent**2 + values["V"] * tangent + values["W"],
        "lorentz": values["X"] / cosine + values["Y"] * tangent,
        "texture": np.broadcast_to(factor_by / factor, true.shape), "number": number, "lit": lit_by / lit,
    }  # fmt: skip
    return {name: np.asarray(value[ok], dtype=np.float64) for name, value in table.items()}


def q_of(model: PhaseModel) -> Array:
    """1/d^2 of the lines in the cell of the card, angstrom^-2 (for slow factors)."""
    return np.asarray(model.parts.sum(axis=1))


def _spread(facts: dict[str, Array], width: Array, asymmetry: float) -> dict[str, Array]:
    """Repeat lines whose asymmetry shows at the nodes of Simpson's rule; the others move to its mean, f = 1/3."""
    seen = np.abs(asymmetry * facts["cotangent"]) > _VISIBLE * width
    seen &= facts["area"] > LEVELS[1][0] * float(facts["area"].max(initial=0.0))
    plain, split = np.flatnonzero(~seen), np.flatnonzero(seen)
    pick = np.concatenate([plain, np.repeat(split, len(_NODES))])
    node = np.concatenate([np.full(len(plain), 1.0 / 3.0), np.tile(_NODES, len(split))])
    weight = np.concatenate([np.ones(len(plain)), np.tile(_WEIGHTS, len(split))])
    spread = {name: value[pick] for name, value in facts.items()}
    by = -node * spread["cotangent"]
    spread |= {"by_asymmetry": by, "center": spread["center"] + asymmetry * by, "area": spread["area"] * weight}
    return spread


def _blocks(grid: Array, center: Array, one: Shape, edges: list[int], reach: float) -> Blocks:
    """Draw lines; those up to each edge to the reach of its level."""
    parts: list[Block] = []
    rows: list[NDArray[np.int32]] = [np.empty(0, dtype=np.int32)]
    counts: list[NDArray[np.int32]] = [np.zeros(1, dtype=np.int32)]
    step = float((grid[1:] - grid[:-1]).min())
    for first, last, (_, part_of_reach) in zip([0, *edges[:-1]], edges, LEVELS, strict=True):
        part = slice(first, last)
        if not len(center[part]):
            continue
        lines_here = Shape(*(value[part] for value in one))
        index, offset = windows(grid, center[part], lines_here.width, reach * part_of_reach)
        parts.append(block(offset, lines_here, step))
        rows.append(index.astype(np.int32).ravel())
        counts.append(np.full(len(index), index.shape[1], dtype=np.int32))
    pointer = np.cumsum(np.concatenate(counts), dtype=np.int32)
    return Blocks(tuple(parts), np.concatenate(rows), pointer, len(grid) + 1)


def slopes(
    model: PhaseModel, drawn: Drawn, amplitudes: Array, grid_size: int, wanted: Collection[str]
) -> dict[str, Array]:
    """Return the wanted derivatives of the pattern of a phase by name of parameter (metric: ``p0``, ``p1``...)."""
    facts, number, one = drawn.facts, drawn.number, drawn.shape
    by_center, by_width, by_eta = drawn.lines.slopes
    area = drawn.area * amplitudes[model.groups[number]]
    ones = np.ones(len(area))
    moves = {f"p{t}": facts["by_q"] * model.parts[number, t] for t in range(model.parts.shape[1])}
    moves |= {"zero": ones, "displacement": facts["cosine"], "asymmetry": facts["by_asymmetry"]}
    found = _summed(by_center, moves, area, wanted, grid_size)
    half = np.where(facts["gauss_squared"] <= NARROWEST**2, 0.0, 0.5 / facts["gauss"])
    widths = {"U": facts["tangent"] ** 2 * half, "V": facts["tangent"] * half, "W": half}
    wide = {role: part * one.width_g for role, part in widths.items()}
    mixed = {role: part * one.eta_g for role, part in widths.items()}
    for role, change in (("X", 1.0 / facts["cosine"]), ("Y", facts["tangent"])):
        wide[role], mixed[role] = change * one.width_l, change * one.eta_l
    by_share = _summed(by_eta, mixed, area, wanted, grid_size)
    found |= {role: part + by_share[role] for role, part in _summed(by_width, wide, area, wanted, grid_size).items()}
    areas = {"r": facts["texture"], "B": -0.5 * q_of(model)[number], "overspill": facts["lit"]}
    return found | _summed(drawn.value, areas, area, wanted, grid_size)


def _summed(
    lines_of: csc_array, change: dict[str, Array], area: Array, wanted: Collection[str], size: int
) -> dict[str, Array]:
    """Sum lines times what changes each of them, for the roles that are wanted."""
    roles = [role for role in change if role in wanted]
    if not roles:
        return {}
    table = lines_of @ np.stack([change[role] * area for role in roles], 1)
    return dict(zip(roles, table[:size].T, strict=True))
