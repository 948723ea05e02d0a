"""Fit many spectra with one model at once: the same answers as :func:`surfspec.fitting.solve` gives for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from surfspec.errors import InputError, MissingDependencyError, SurfspecError
from surfspec.fitting.batch import fast
from surfspec.fitting.batch.columns import Filler
from surfspec.fitting.batch.inputs import Inputs, consecutive
from surfspec.fitting.batch.kernel import Kernel
from surfspec.fitting.batch.problem import Chunk, Ends
from surfspec.fitting.batch.solution import BatchSolution
from surfspec.fitting.batch.table import COMPILED, Columns, Table, compile_model, unsupported
from surfspec.fitting.model import Model
from surfspec.fitting.solver import Solution, solve
from surfspec.fitting.solver.objective import count_floor
from surfspec.fitting.solver.polish import Limits
from surfspec.fitting.solver.priors import has_priors
from surfspec.fitting.solver.solution import DIFFERENT, EQUALLY_GOOD

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

#: Number of fits (spectra times starts) from which the load time of the compiled kernel pays (Zr 3d: 6,000 to 9,000).
PAYS_FOR_NUMBA: Final = 7_000


class Engine(Protocol):
    """Fits a chunk from nonlinear start values."""

    def fit(self, chunk: Chunk, start: Array) -> Ends:
        """Return where the fits ended."""
        ...

    def invert(self, fisher: Array, active: Mask) -> tuple[Array, Mask, Mask]:
        """Return covariances of all parameters, dead parameters and doubtful members."""
        ...


def solve_batch(
    model: Model,
    x: ArrayLike,
    y: ArrayLike,
    base: ArrayLike,
    *,
    statistics: str = "poisson",
    sigma: ArrayLike | None = None,
    sensitivity: ArrayLike | None = None,
    tails: ArrayLike | None = None,
    ends: tuple[ArrayLike, ArrayLike] | None = None,
    nuisance: ArrayLike | None = None,
    columns: Columns | None = None,
    prior_means: ArrayLike | None = None,
    starts: Sequence[ArrayLike] | None = None,
    chunk: int = 256,
    engine: str = "auto",
    tolerance: float = 5e-4,
    max_passes: int = 60,
    rescue: bool = True,
    covariance: bool = True,
) -> BatchSolution:
    r"""Fit one model to every spectrum of a series.

    Minimises for each spectrum on its own the Poisson deviance, or :math:`\sum (y - m)^2 / \sigma^2`, over

    .. math:: m(x) = B(x) + \sum_k A_k f_k(x) + \sum_e b_e c_e(x)

    by batched variable projection (Golub and Pereyra 1973, with Kaufman's step) in limits, Levenberg's damping for each
    spectrum. Members that do not converge so, or whose Fisher matrix is nearly singular, go through
    :func:`~surfspec.fitting.solve`, and so does every member of a model with a shape that the kernels do not know; the
    result says which.

    Parameters
    ----------
    model
        Components and their ties. Start values of areas and columns do not matter.
    x
        Axis, shape (n,).
    y
        Intensities, shape (m, n); counts for ``"poisson"``.
    base
        Fixed part of the background, shape (n,) or (m, n).
    statistics
        ``"poisson"``, ``"given"`` (by `sigma`) or ``"unknown"`` (variance proportional to `sigma` squared,
        or to the smoothed intensity, its scale from the residuals).
    sigma
        Standard uncertainties of `y`, shape (n,) or (m, n).
    sensitivity, tails
        How the background gives way to the peaks at both ends, shapes (2, n) and (2,), or with a leading m; see
        :class:`~surfspec.fitting.BoundModel`. The columns have no part in it.
    ends
        Axis values of the points whose mean is the lower and the upper end level of the background, the same for all
        spectra; by default the first and the last of `x`. They matter with `sensitivity` only.
    nuisance
        Change of the model by one standard deviation of each nuisance, shape (k, n) or (m, k, n).
    columns
        Linear columns beside the peaks, a background inside the fit.
    prior_means
        Means of the priors of each spectrum, shape (m, p), in the place of those of the model; what has no prior there
        has none here.
    starts
        Start values, each of shape (p,) or (m, p); by default the parameters' own. The best end wins.
    chunk
        Spectra that are worked on at once, at most.
    engine
        ``"numpy"``, ``"numba"`` (extra ``fast``), or ``"auto"``: numba where it is installed and pays. Models with a
        ``gl_product`` or ``doniach_sunjic`` go through numpy in any case; the result says which it was.
    tolerance
        A fit is at its end when a further step would be less than this many standard uncertainties and leave, to judge
        by how the steps shrink, a twentieth of that; that step is still taken.
    max_passes
        Evaluations of the model for each spectrum and start.
    rescue
        Send members that did not converge through the single solver.
    covariance
        False leaves covariances and uncertainties out (NaN), and with them the test of a singular Fisher matrix.

    Returns
    -------
    BatchSolution
        In the order of `y`. A member that cannot be fitted at all has NaN and says why in ``refused``.

    Raises
    ------
    InputError
        For arrays whose shapes do not go together.
    MissingDependencyError
        For ``engine="numba"`` without numba.

    References
    ----------
    Golub and Pereyra, SIAM J. Numer. Anal. 10 (1973) 413; Kaufman, BIT 15 (1975) 49.

    Examples
    --------
    >>> from surfspec.fitting import Component, Parameter, Tie
    >>> ps = (Parameter("area", 1.0, low=0.0), Parameter("center", 0.2), Parameter("fwhm", 1.5, low=0.1))
    >>> peak = Component("one", "gaussian", Tie("area"), {"center": Tie("center"), "fwhm": Tie("fwhm")})
    >>> x = np.linspace(-4, 4, 81)
    >>> y = 10 + np.array([[500.0], [900.0]]) * np.exp(-2.772589 * x**2)
    >>> found = solve_batch(Model(ps, (peak,)), x, y, np.full(81, 10.0))
    >>> found.values.round(3)[:, 1:].tolist(), bool(found.converged.all())
    ([[0.0, 1.0], [0.0, 1.0]], True)
    """
    inputs = Inputs(
        model=model, columns=columns, x=_numbers("x", x), y=_numbers("y", y, 2), base=_numbers("base", base),
        sigma=_numbers_or_none("sigma", sigma), sensitivity=_numbers_or_none("sensitivity", sensitivity),
        tails=_numbers_or_none("tails", tails), ends=_ends(ends),
        nuisance=_numbers_or_none("nuisance", nuisance), statistics=statistics, chunk=chunk,
        prior_means=_numbers_or_none("prior_means", prior_means),
    )  # fmt: skip
    begin = _starts(inputs, starts)
    if engine not in ("auto", "numpy", "numba"):
        raise InputError(f"engine {engine!r}", where="engine", remedy="Say 'auto', 'numpy' or 'numba'")
    fallback = unsupported(model)
    if statistics == "unknown" and has_priors(model.parameters):
        fallback = fallback or "a prior is known in absolute terms, the statistics are not"
    table = None if fallback else compile_model(model, columns)
    name, kernel = _engine(table, engine, len(inputs.y) * len(begin), tolerance, max_passes)
    answers = _Answers.empty(len(inputs.y), len(inputs.parameters), covariance=covariance)
    for part in np.array_split(np.arange(len(inputs.y)), max(1, -(-len(inputs.y) // chunk))):
        refused = inputs.refusal(part)
        if refused is not None:
            answers.refused[part] = refused
        rows = part if refused is None else part[refused == ""]
        if not rows.size:
            continue
        if kernel is None or table is None:
            again = rows
        else:
            doubtful = _fit_chunk(inputs, table, kernel, rows, [s[rows] for s in begin], answers)
            again = rows[doubtful] if rescue else rows[:0]
        for i in again:
            _fit_single(inputs, int(i), begin, answers, found=kernel is not None)
    return BatchSolution(
        names=tuple(p.name for p in inputs.parameters),
        uncertainties=_roots(answers.covariance) if covariance else np.full(answers.values.shape, np.nan),
        engine=name,
        fallback=fallback,
        statistics=statistics,
        inputs=inputs,
        table=table,
        **vars(answers),
    )


@dataclass
class _Answers:
    """Room for the numbers of every member."""

    values: Array
    covariance: Array
    converged: Mask
    at_bound: Mask
    undetermined: Mask
    unsettled: Mask
    chi2: Array
    deviance: Array
    dof: NDArray[np.int64]
    scale: Array
    passes: NDArray[np.int64]
    single: Mask
    refused: NDArray[np.str_]

    @classmethod
    def empty(cls, members: int, count: int, *, covariance: bool) -> _Answers:
        """Return room for some members; without covariances one NaN stands for all of them."""
        flags = [np.zeros(members, dtype=bool) for _ in range(2)]
        each = [np.zeros((members, count), dtype=bool) for _ in range(3)]
        shape = (members, count, count)
        room = np.full(shape, np.nan) if covariance else np.broadcast_to(np.nan, shape)  # one number, read only
        return cls(
            values=np.full((members, count), np.nan), covariance=room,
            converged=flags[0], single=flags[1], at_bound=each[0], undetermined=each[1], unsettled=each[2],
            chi2=np.full(members, np.nan), deviance=np.full(members, np.nan), scale=np.ones(members),
            dof=np.zeros(members, dtype=np.int64), passes=np.zeros(members, dtype=np.int64),
            refused=np.zeros(members, dtype="<U48"),
        )  # fmt: skip


def _numbers(name: str, given: ArrayLike, dimensions: int = 0) -> Array:
    if np.iscomplexobj(given):
        raise InputError(f"{name} has complex numbers", where=name, remedy="Give their real part or their magnitude")
    try:
        out = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name} is not numeric", where=name, remedy="Give an array of numbers") from None
    if dimensions and out.ndim != dimensions:
        raise InputError(f"{name} has {out.ndim} dimensions", where=name, remedy="Give (spectra, points)")
    return out


def _numbers_or_none(name: str, given: ArrayLike | None) -> Array | None:
    return None if given is None else _numbers(name, given)


def _ends(given: tuple[ArrayLike, ArrayLike] | None) -> tuple[Array, Array] | None:
    if given is None:
        return None
    if len(given) != 2:
        raise InputError(f"{len(given)} end levels", where="ends", remedy="Give the points of the lower and the upper")
    return _numbers("ends", given[0]), _numbers("ends", given[1])


def _starts(inputs: Inputs, starts: Sequence[ArrayLike] | None) -> list[Array]:
    """Return every start as (m, p) within the limits."""
    parameters = inputs.parameters
    low, high = np.array([p.low for p in parameters]), np.array([p.high for p in parameters])
    given = [_numbers("starts", s) for s in starts] if starts else [np.array([p.value for p in parameters])]
    shape, models = (len(inputs.y), len(parameters)), len(inputs.model.parameters)
    out = []
    for one in given:
        if one.shape[-1:] == (models,) and models < len(parameters):
            tail = np.array([p.value for p in parameters[models:]])
            one = np.concatenate([one, np.broadcast_to(tail, (*one.shape[:-1], tail.size))], axis=-1)  # noqa: PLW2901
        if one.shape not in (shape, shape[1:]):
            raise InputError(
                f"a start has the shape {one.shape}", where="starts", remedy=f"Give {shape[1:]} or {shape}"
            )
        out.append(np.broadcast_to(np.clip(one, low, high), shape))
    return out


def _engine(
    table: Table | None, wanted: str, fits: int, tolerance: float, max_passes: int
) -> tuple[str, Engine | None]:
    if wanted == "numba" and not fast.installed():
        raise MissingDependencyError(
            "the engine 'numba' needs numba, which is not installed",
            remedy="pip install 'surfspec[fast]', or take engine='numpy'",
        )
    if table is None:
        return "solve", None
    compiled = bool(np.all(table.kinds < COMPILED))
    if compiled and (wanted == "numba" or (wanted == "auto" and fits >= PAYS_FOR_NUMBA and fast.installed())):
        return "numba", fast.Kernel(table, tolerance=tolerance, max_passes=max_passes)
    return "numpy", Kernel(table, tolerance=tolerance, max_passes=max_passes)


def _fit_chunk(
    inputs: Inputs, table: Table, kernel: Engine, rows: NDArray[np.intp], begin: list[Array], answers: _Answers
) -> Mask:
    """Fit some members from every start, write the best, and return who needs the single solver."""
    chunk = inputs.load(rows)
    ends = [kernel.fit(chunk, np.ascontiguousarray(start[:, table.nonlinear])) for start in begin]
    best = ends[0]
    if len(ends) > 1:
        chosen = np.argmin([e.cost for e in ends], axis=0)
        index = np.arange(rows.size)
        best = Ends(*(np.stack([getattr(e, f) for e in ends])[chosen, index] for f in Ends.__dataclass_fields__))
    full = np.array(begin[0])
    full[:, table.free] = best.values
    limits = Limits.of(table.parameters)
    on_low, on_high = limits.touched(full)
    natural = np.array([p.natural_low for p in table.parameters], dtype=bool) & on_low
    bound = (on_low | on_high) & limits.free & ~natural
    active = limits.free & ~bound
    some = consecutive(rows)
    answers.dof[some] = np.maximum(1, inputs.x.size + table.priors - active.sum(axis=1))
    answers.values[some], answers.at_bound[some] = full, bound
    answers.chi2[some], answers.deviance[some] = best.chi2, best.cost
    answers.converged[some] = best.converged
    answers.passes[some] = np.sum([e.passes for e in ends], axis=0)
    if inputs.statistics == "unknown":
        answers.scale[some] = best.chi2 / answers.dof[some]
    if not answers.covariance.flags.writeable:
        return ~best.converged
    covariance, dead, doubtful = kernel.invert(best.fisher, active[:, table.free])
    moved = _moved(inputs, table, chunk, rows, best, covariance)
    if inputs.statistics == "unknown":
        covariance *= answers.scale[some][:, None, None]
    if moved is not None:
        covariance[:, table.free[:, None], table.free] += moved
    if dead.any():
        lost = np.zeros(full.shape, dtype=bool)
        lost[:, table.free] = dead
        covariance[lost[:, :, None] | lost[:, None, :]] = np.nan
        answers.undetermined[some] = lost
    answers.covariance[some] = covariance
    if len(ends) > 1:
        unit = _roots(covariance)[:, table.free]
        differs = np.zeros(full.shape, dtype=bool)
        differs[:, table.free] = _unsettled(ends, best, unit, answers.scale[some])
        answers.unsettled[some] = differs
    return doubtful | ~best.converged


def _moved(
    inputs: Inputs, table: Table, chunk: Chunk, rows: NDArray[np.intp], best: Ends, covariance: Array
) -> Array | None:
    """Return the share of the nuisances in the covariance: how each moves the parameters, squared."""
    nuisance = inputs.nuisance_of(rows)
    if nuisance is None or not nuisance.size:
        return None
    filler, count, chunk = Filler(table), table.linear.size, chunk.weighted()
    room = np.empty((rows.size, filler.rows, inputs.x.size))
    filler.fill(chunk, best.values[:, count:], room)
    linear = best.values[:, :count]
    if chunk.weight is None:
        model = chunk.base + filler.above_base(linear, room)
        floor = np.array([[count_floor(one)] for one in chunk.y])
        weighted = nuisance / np.maximum(model, floor)[:, None]
    else:
        weighted = nuisance * chunk.weight[:, None]
    room[:, -1] = 0.0
    turn = filler.contraction(linear, np.zeros_like(linear))[:, :, :-1]
    cross = turn.transpose(0, 2, 1) @ (room @ weighted.transpose(0, 2, 1))
    moved = covariance[:, table.free[:, None], table.free] @ cross
    out: Array = moved @ moved.transpose(0, 2, 1)
    return out


def _unsettled(ends: list[Ends], best: Ends, uncertainties: Array, scale: Array) -> Mask:
    """Say which free parameters are others at an end that is as good, shape (m, p)."""
    out = np.zeros(best.values.shape, dtype=bool)
    unit = np.where(uncertainties > 0, uncertainties, np.inf)
    for end in ends:
        equal = end.cost - best.cost <= EQUALLY_GOOD * scale
        out |= equal[:, None] & (np.abs(end.values - best.values) / unit > DIFFERENT)
    return out


def _roots(covariance: Array) -> Array:
    variance = np.diagonal(covariance, axis1=1, axis2=2)
    return np.sqrt(np.where(variance >= 0, variance, np.nan))


def _fit_single(inputs: Inputs, index: int, begin: list[Array], answers: _Answers, *, found: bool) -> None:
    """Fit one member with the single solver, from the batched answer; where that does not end, from every start."""
    every = [start[index] for start in begin]
    ended = found and bool(np.all(np.isfinite(answers.values[index])))
    here = [answers.values[index].copy()] if ended else []
    goal = inputs.objective(index)
    nuisance = inputs.nuisance_of(np.array([index]))
    answers.single[index] = True

    def attempt(starts: list[Array]) -> Solution:
        """Solve this member from some starts."""
        return solve(
            inputs.problem(index), goal.y, statistics=inputs.statistics, starts=starts,
            sigma=None if inputs.sigma is None else goal.sigma,
            nuisance=None if nuisance is None else nuisance[0],
            doubt=(),
        )  # fmt: skip

    try:
        one = attempt(here or every)
        if here and not one.converged:
            one = attempt([*here, *every])
        elif here:
            one = replace(one, unsettled=tuple(np.array(one.names)[answers.unsettled[index]].tolist()))
    except SurfspecError as error:
        answers.refused[index] = error.message[:48]
        return
    names = np.array(one.names)
    answers.values[index] = one.values
    if answers.covariance.flags.writeable:
        answers.covariance[index] = one.covariance
    answers.converged[index] = one.converged
    answers.unsettled[index] = np.isin(names, one.unsettled)
    answers.at_bound[index] = np.isin(names, one.at_bound)
    answers.undetermined[index] = np.isin(names, one.undetermined)
    answers.chi2[index], answers.deviance[index] = one.chi2, one.deviance
    answers.dof[index], answers.scale[index] = one.dof, one.scale
    answers.passes[index] += one.evaluations
