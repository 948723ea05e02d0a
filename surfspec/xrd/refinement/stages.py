"""The course of a refinement: starts, the order in which parameters are freed, weights from the model, texture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from surfspec.xrd.lines.background import spline_basis
from surfspec.xrd.lines.peak_search import counting_variance, search
from surfspec.xrd.patterns.optics import Optics
from surfspec.xrd.patterns.texture import laue_rotations, march_factor, texture_cosines
from surfspec.xrd.patterns.wavelengths import Radiation
from surfspec.xrd.refinement import parameters as tables
from surfspec.xrd.refinement.lattice import Lattice
from surfspec.xrd.refinement.least_squares import Data, State, data, evaluate, minimise
from surfspec.xrd.refinement.options import Refinement
from surfspec.xrd.refinement.parameters import Parameters
from surfspec.xrd.refinement.phase_model import REACH, PhaseModel, build
from surfspec.xrd.refinement.shift_choice import with_zero
from surfspec.xrd.structures.phase import Phase

Array = NDArray[np.float64]
Direction = tuple[int, int, int]

#: FWHM of the Gaussians (deg) with which data are smoothed when no match gives a start.
BLURS: Final = (1.2, 0.5, 0.2)
#: Reach of drawn lines (FWHM) on the way.
QUICK_REACH: Final = 10.0
#: Smallest Gaussian part of the lines of an instrument, in units of the typical width.
SHARPEST: Final = 0.15
#: Points per FWHM of smoothed data.
COARSE_POINTS: Final = 8.0
#: Rounds of fitting with weights from the model; fewer when the cost settles.
ROUNDS: Final = 5
#: Relative standard deviation of a cell length that keeps traces from wandering off; traces alone feel it.
LOOSE_CELL: Final = 0.01
#: Directions that ``texture="auto"`` tries, those in which crystals commonly cleave or grow: cubic, with a rhombohedral
#: lattice (the cleavage of calcite), other.
CUBIC: Final[tuple[Direction, ...]] = ((1, 0, 0), (1, 1, 0), (1, 1, 1))
RHOMBOHEDRAL: Final[tuple[Direction, ...]] = ((0, 0, 1), (1, 0, 4), (1, 0, 0), (1, 1, 0))
OTHER: Final[tuple[Direction, ...]] = ((0, 0, 1), (1, 0, 0), (0, 1, 0), (1, 1, 0))
#: Fall of chi-square from which a texture is kept: in units of the reduced one, and as a share of the whole (any
#: parameter eases a misfit of the profile a little).
TEXTURE_GAIN: Final = 30.0
#: Beam over specimen with which an overspill is tried; it is kept by the rule for textures.
OVERSPILLS: Final = (0.1, 0.2, 0.35)
#: March coefficients with which directions are tried.
MARCH: Final = (0.45, 0.6, 0.75, 0.87, 0.94, 1.06, 1.15, 1.35, 1.7, 2.3)
TEXTURE_SHARE: Final = 0.01
_ROOT8LN2 = 2.3548200450309493


@dataclass(frozen=True)
class Start:
    """What is known beforehand.

    Attributes
    ----------
    shift
        Line shift as a displacement, deg.
    factors
        Metric factors of each phase; None where not known.
    instrument
        Values of U, V, W, asymmetry, X and Y of a standard; empty where not known.
    """

    shift: float = 0.0
    factors: tuple[Array | None, ...] = ()
    instrument: Mapping[str, float] | None = None


@dataclass(frozen=True)
class Fit:
    """A finished refinement as arrays; ``other`` is where it ends with zero for displacement, if that is open."""

    models: tuple[PhaseModel, ...]
    state: State
    fitted: Data
    start: Parameters
    converged: bool
    variance_factor: float
    light: Radiation
    other: State | None


def run(
    x: Array, y: Array, statistics: str, given: Array | None, light: Radiation,
    chosen: Sequence[Phase | Lattice], options: Refinement, start: Start,
) -> Fit:  # fmt: skip
    """Refine one pattern.

    Parameters
    ----------
    x, y
        2 theta (deg) and intensity, shape (n,).
    statistics, given
        As for :func:`surfspec.xrd.lines.peak_search.counting_variance`.
    light, chosen, options, start
        Radiation, phases and how to go about it.
    """
    variance, factor = counting_variance(y, statistics, given)
    basis = spline_basis(x, options.background)
    width = _typical_width(x, y, variance, light)
    models: Sequence[PhaseModel] = _models(chosen, light, x, options, start.factors or (None,) * len(chosen), {}, width)
    table = _first_table(models, options, start, width)
    fitted = data(x, y, variance, basis, reach=QUICK_REACH)
    state = _first_state(models, table, fitted, options, start)
    begin = state.parameters
    state = _release(models, state, fitted, options, start)
    floor = factor * max(float(np.percentile(y, 1)), 1.0 if statistics == "poisson" else 1e-9 * float(y.max()))
    directions = _told(options)
    tried, last, converged = options.texture != "auto" and options.overspill != "auto", False, False
    for number in range(ROUNDS + 1):
        last = last or number == ROUNDS
        if statistics != "given":
            calculated = state.calculated + state.background
            variance = factor * np.maximum(calculated, 0.1 * floor / factor)
        fitted = data(x, y, variance, basis, reach=REACH if last else QUICK_REACH)
        factors = tuple(state.parameters.factors(i) for i in range(len(models)))
        models = _models(chosen, light, x, options, factors, directions, width)
        before = evaluate(models, state.parameters, fitted)
        state, converged = minimise(models, before, fitted, steps=30)
        if last:
            break
        settled = converged and before.cost - state.cost < 1e-3 * state.cost / len(x) + 0.05
        if not tried and (settled or number == ROUNDS - 3):
            tried = True
            state = _spilled(models, state, fitted, options)
            found = _textured(models, state, fitted, options, chosen, light, x, width)
            if found is not None:
                models, state, directions = found
                state = _spilled(models, state, fitted, options)
                continue
        last = settled and number > 0
    other = with_zero(models, state, fitted) if options.shifts == "auto" else None
    return Fit(tuple(models), state, fitted, begin, converged, factor, light, other)


def _typical_width(x: Array, y: Array, variance: Array, light: Radiation) -> float:
    found = search(x, y, variance, light=light)
    step = float(np.median(np.diff(x)))
    strong = found.significance > 10.0
    pick = found.fwhm[strong] if np.any(strong) else found.fwhm
    return float(np.clip(np.median(pick), 2.0 * step, 1.5)) if len(pick) else max(0.1, 3.0 * step)


def _told(options: Refinement) -> dict[str, Direction]:
    return {} if isinstance(options.texture, str) else dict(options.texture)


def _models(
    chosen: Sequence[Phase | Lattice], light: Radiation, x: Array, options: Refinement,
    factors: Sequence[Array | None], directions: Mapping[str, Direction], width: float,
) -> list[PhaseModel]:  # fmt: skip
    optics = Optics(options.monochromator, slit="variable" if options.slits == "variable" else "fixed")
    span = (float(x[0]), float(x[-1]))
    directions = dict(directions) or _told(options)
    return [
        build(one, light, span, factors=known, pawley=one.id in options.pawley, direction=directions.get(one.id),
              optics=optics, resolution=0.3 * width)
        for one, known in zip(chosen, factors, strict=True)
    ]  # fmt: skip


def _first_table(models: Sequence[PhaseModel], options: Refinement, start: Start, width: float) -> Parameters:
    """Start values and priors in units of the typical width of a line; a known instrument sets what it knows."""
    sigma = options.cell_prior or LOOSE_CELL
    known = [max(sigma, one.phase.cell_uncertainty or 0.0) for one in models]
    table = tables.table([one.phase.id for one in models], [one.parts.shape[1] for one in models], known)
    first = {"W": (0.7 * width) ** 2, "X": 0.3 * width, "Y": 0.1 * width}
    first["overspill"] = 0.0 if isinstance(options.overspill, str) else float(options.overspill)
    first["zero" if options.shifts == "zero" else "displacement"] = start.shift
    told = dict(start.instrument or {})
    mean = {"X": told.get("X", 0.3 * width), "Y": told.get("Y", 0.0), "r": 1.0}
    unc = {"U": 4.0 * width**2, "V": 2.0 * width**2, "asymmetry": 0.5 * width, "r": 0.5, "B": options.b_prior,
           "zero": 0.5, "displacement": 0.5, "X": width, "Y": 3.0 * width}  # fmt: skip
    first |= told
    value, prior, prior_unc, low = (one.copy() for one in (table.value, table.prior, table.prior_unc, table.low))
    for i, role in enumerate(table.roles):
        value[i] = first.get(role, value[i])
        prior[i], prior_unc[i] = mean.get(role, prior[i]), unc.get(role, prior_unc[i])
        if role in "XY":
            low[i] = told.get(role, 0.0)
        elif role == "W" and not told:
            low[i] = (SHARPEST * width) ** 2
    for number, factors in enumerate(start.factors):
        if factors is not None:
            value[table.where(number, "p")] = factors
    return replace(table, prior=prior, prior_unc=prior_unc, low=low).with_values(value)


def _free(table: Parameters, roles: Sequence[str], skip: Sequence[int] = ()) -> NDArray[np.bool_]:
    names = tuple(roles)
    return np.array(
        [(role in names or ("p" in names and role.startswith("p"))) and int(owner) not in skip
         for role, owner in zip(table.roles, table.owner, strict=True)]
    )  # fmt: skip


def _shifts(options: Refinement) -> tuple[str, ...]:
    known = {"auto": ("displacement",), "both": ("zero", "displacement"), "none": ()}
    return known.get(options.shifts, (options.shifts,))


def _first_state(
    models: Sequence[PhaseModel], table: Parameters, fitted: Data, options: Refinement, start: Start
) -> State:
    """Find cells and shift: from what a match says, and from smoothed data; the better of both."""
    roles = (*_shifts(options), "p")
    near = replace(table, free=_free(table, (*roles, "W"))) if start.instrument is None else table.freed(
        _free(table, roles))  # fmt: skip
    state, _ = minimise(models, evaluate(models, near, fitted), fitted, steps=8)
    if any(one is not None for one in start.factors):
        return state
    step = float(np.median(np.diff(fitted.x)))
    far = table.freed(_free(table, roles))
    for blur in BLURS:
        smooth = gaussian_filter1d(fitted.y, blur / _ROOT8LN2 / step, mode="nearest")
        every = slice(None, None, max(int(blur / step / COARSE_POINTS), 1))
        variance = np.maximum(smooth, 1e-3 * smooth.max())[every]
        coarse = data(fitted.x[every], smooth[every], variance, fitted.basis[every], blur=blur, reach=QUICK_REACH)
        found, _ = minimise(models, evaluate(models, far, coarse), coarse, steps=10)
        far = found.parameters
    other, _ = minimise(models, evaluate(models, far.freed(near.free), fitted), fitted, steps=8)
    return other if other.cost < state.cost else state


def _release(models: Sequence[PhaseModel], state: State, fitted: Data, options: Refinement, start: Start) -> State:
    """Free widths, then all that the options ask for."""
    common: tuple[str, ...] = () if start.instrument is not None else ("W",)
    first = (*_shifts(options), "p", "X", *common)
    state, _ = minimise(models, evaluate(models, state.parameters.freed(_free(state.parameters, first)), fitted),
                        fitted, steps=8)  # fmt: skip
    roles = (*first, "Y")
    if start.instrument is None:
        roles += ("U", "V") if options.caglioti else ()
        roles += ("asymmetry",) if options.asymmetry else ()
    free = _free(state.parameters, roles)
    for number, one in enumerate(models):
        if one.phase.id in _told(options):
            free[state.parameters.where(number, "r")] = True
        if options.displacement_parameters and not one.pawley:
            free[state.parameters.where(number, "B")] = True
    return minimise(models, evaluate(models, state.parameters.freed(free), fitted), fitted, steps=8)[0]


def _enough(state: State) -> float:
    """Fall of chi-square from which one more parameter of the areas is kept."""
    return max(TEXTURE_GAIN * max(state.chi2 / len(state.calculated), 1.0), TEXTURE_SHARE * state.chi2)


def _spilled(models: Sequence[PhaseModel], state: State, fitted: Data, options: Refinement) -> State:
    """Free the overspill of the beam, if the slit is fixed and chi-square falls by enough."""
    if options.overspill != "auto" or options.slits == "variable" or all(one.pawley for one in models):
        return state
    if state.parameters.free[state.parameters.where(-1, "overspill")[0]]:
        return state
    tries = [evaluate(models, state.parameters.changed(-1, "overspill", one, free=True), fitted) for one in OVERSPILLS]
    found, _ = minimise(models, min(tries, key=lambda one: one.cost), fitted, steps=30)
    return found if state.cost - found.cost > _enough(state) else state


def _textured(
    models: Sequence[PhaseModel], state: State, fitted: Data, options: Refinement, chosen: Sequence[Phase | Lattice],
    light: Radiation, x: Array, width: float,
) -> tuple[Sequence[PhaseModel], State, dict[str, Direction]] | None:  # fmt: skip
    """Give textures to phases, the one that explains most first, as long as chi-square falls by enough."""
    directions: dict[str, Direction] = {}
    for _ in models if options.texture == "auto" else ():
        enough = _enough(state)
        gain, number, way, r = _best_texture(models, state, fitted)
        if gain < 0.5 * enough:
            break
        factors = tuple(state.parameters.factors(i) for i in range(len(models)))
        more = {**directions, models[number].phase.id: way}
        new = _models(chosen, light, x, options, factors, more, width)
        table = state.parameters.changed(number, "r", r, free=True)
        found, _ = minimise(new, evaluate(new, table, fitted), fitted, steps=30)
        if state.cost - found.cost < enough:
            break
        models, state, directions = new, found, more
    return (models, state, directions) if directions else None


def _best_texture(models: Sequence[PhaseModel], state: State, fitted: Data) -> tuple[float, int, Direction, float]:
    """Return the largest fall of chi-square by a texture of one phase, that phase, the direction and coefficient."""
    best = (0.0, -1, (0, 0, 1), 1.0)
    target = fitted.project(fitted.y)
    for number, one in enumerate(models):
        barred = one.pawley or one.direction is not None or len(one.hkl) < 4
        if barred or not np.any(state.amplitudes_of(models, number) > 0):
            continue
        others = [drawn.columns for i, drawn in enumerate(state.drawn) if i != number]
        basis = np.empty((len(fitted.x), 0))
        if others:
            basis, _ = np.linalg.qr(fitted.project(np.concatenate(others, axis=1)))
        rest = target - basis @ (basis.T @ target)
        plain = _explained(state, number, fitted, basis, rest, np.ones(len(one.hkl)))
        for way, squared in _ways(one).items():
            for r in MARCH:
                gain = _explained(state, number, fitted, basis, rest, march_factor(squared, r)[0]) - plain
                best = max(best, (gain, number, way, r))
    return best


def _ways(model: PhaseModel) -> dict[Direction, Array]:
    """Directions that symmetry does not make equal, each with the squared cosines of the lines."""
    if isinstance(model.phase, Lattice):
        return {}
    rotations = laue_rotations(model.phase.space_group)
    kept: dict[Direction, Array] = {}
    seen: set[tuple[int, ...]] = set()
    system, lattice = model.phase.group.crystal_system_str(), model.phase.space_group[0]
    for way in CUBIC if system == "cubic" else RHOMBOHEDRAL if lattice == "R" else OTHER:
        images = {tuple(np.rint(sign * (np.array(way) @ turn)).astype(int).tolist())
                  for turn in rotations for sign in (1, -1)}  # fmt: skip
        if not images & seen:
            kept[way] = texture_cosines(model.hkl, model.phase, direction=way)
            seen |= images
    return kept


def _explained(state: State, number: int, fitted: Data, basis: Array, rest: Array, factor: Array) -> float:
    """Chi-square that a phase takes away with its line areas times factors; nothing else is fitted again."""
    drawn = state.drawn[number]
    pattern = (drawn.value @ (drawn.area * factor[drawn.number]))[: len(fitted.x)]
    column = fitted.project(pattern)
    column = column - basis @ (basis.T @ column)
    overlap, length = float(column @ rest), float(column @ column)
    return max(overlap, 0.0) ** 2 / max(length, 1e-300)
