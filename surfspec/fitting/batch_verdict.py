"""The verdicts on a batched solution: those of :func:`~surfspec.fitting.verdict.judge`, for all members at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from surfspec.errors import InputError
from surfspec.fitting.batch import BatchSolution
from surfspec.fitting.batch_joining import insignificant_areas
from surfspec.fitting.batch_members import refusal
from surfspec.fitting.residual_tests import normal_residuals
from surfspec.fitting.solver.objective import FLOOR
from surfspec.fitting.verdict import Evidence, Judgement, judge_evidence

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

#: Members whose residuals are judged at once, so that they stay near the processor.
BLOCK: Final = 256


def judge_many(
    batch: BatchSolution,
    *,
    fitted: Array | None = None,
    reported: Mask | None = None,
    counted: Mask | None = None,
    extra: Sequence[Collection[str]] | None = None,
    replaceable: Sequence[tuple[tuple[str, float], ...]] | None = None,
) -> list[Judgement]:
    """Judge every member of a batched solution.

    Parameters
    ----------
    batch
        What :func:`~surfspec.fitting.batch.solve_batch` returned, m members with p parameters.
    fitted
        Their models, shape (m, n): ``members.model``. Evaluated anew when not given.
    reported
        Parameters whose values are reported, shape (p,) or (m, p); correlations among the others do not count.
        All parameters of a member where none is.
    counted
        Parameters for which it counts that they lie at a limit, shape (p,) or (m, p); all when not given.
    extra
        Reasons found elsewhere, for each member.
    replaceable
        Amplitudes that the data do not need, for each member; see
        :func:`~surfspec.fitting.batch_necessity.replaceable_areas`.

    Returns
    -------
    list
        For each member its verdict and the reasons, as :func:`~surfspec.fitting.verdict.judge` gives them for the
        solution of a single solver, areas not distinct from zero included; ``refused: ...`` alone for a member that
        was not fitted.

    Raises
    ------
    InputError
        For masks, models or reasons that do not go with the members.

    Examples
    --------
    >>> from surfspec.fitting import Component, Model, Parameter, Tie, solve_batch
    >>> ps = (Parameter("area", 1.0, low=0.0), Parameter("center", 0.2), Parameter("fwhm", 1.5, low=0.1))
    >>> peak = Component("one", "gaussian", Tie("area"), {"center": Tie("center"), "fwhm": Tie("fwhm")})
    >>> x = np.linspace(-4, 4, 81)
    >>> y = np.random.default_rng(0).poisson(100 + 900 * np.exp(-2.772589 * x**2), (2, 81)).astype(float)
    >>> y[1] = 0.0
    >>> judge_many(solve_batch(Model(ps, (peak,)), x, y, np.full(81, 100.0)))
    [('ok', ()), ('failed', ('refused: every intensity is zero',))]
    """
    count, p = batch.values.shape
    shape = (count, batch.inputs.x.size)
    if fitted is not None and fitted.shape != shape:
        raise InputError(f"models of the shape {fitted.shape}", where="fitted", remedy=f"Give {shape}")
    if extra is not None and len(extra) != count:
        raise InputError(
            f"{len(extra)} lists of reasons", where="extra", remedy=f"Give one for each of {count} members"
        )
    named = _mask("reported", reported, (count, p))
    named = named | ~named.any(axis=1, keepdims=True)
    faint = insignificant_areas(batch)
    bound = batch.at_bound & _mask("counted", counted, (count, p))
    out: list[Judgement] = [("failed", (refusal(str(text)),)) if text else ("ok", ()) for text in batch.refused]
    kept = np.flatnonzero(batch.refused == "")
    for first in range(0, kept.size, BLOCK):
        rows = kept[first : first + BLOCK]
        model = batch.evaluate(rows) if fitted is None else fitted[rows]
        pulls = pulls_of(batch, rows, model)
        evidence = Evidence(
            names=batch.names,
            uncertainties=batch.uncertainties[rows],
            covariance=batch.covariance[rows],
            pulls=pulls,
            normal=normal_residuals(pulls, model, batch.statistics),
            finite=np.all(np.isfinite(model), axis=1),
            converged=batch.converged[rows],
            start_dependent=np.any(batch.unsettled[rows] & named[rows], axis=1),
            at_bound=bound[rows],
            undetermined=batch.undetermined[rows],
            insignificant=faint[rows],
            chi2=batch.chi2[rows],
            deviance=batch.deviance[rows],
            dof=batch.dof[rows],
            statistics=batch.statistics,
            replaceable=[()] * rows.size if replaceable is None else [replaceable[i] for i in rows],
        )
        some = [()] * rows.size if extra is None else [extra[i] for i in rows]
        for row, judgement in zip(rows.tolist(), judge_evidence(evidence, named[rows], some), strict=True):
            out[row] = judgement
    return out


def pulls_of(batch: BatchSolution, rows: NDArray[np.intp], fitted: Array) -> Array:
    """Return residuals over their expected standard deviation, as :class:`~surfspec.fitting.Solution` has them.

    Parameters
    ----------
    batch
        The solution.
    rows
        Which members, none of them refused, shape (r,).
    fitted
        Their models, shape (r, n).
    """
    y, scale = batch.inputs.y[rows], batch.scale[rows]
    with np.errstate(invalid="ignore"):
        if batch.statistics == "poisson":
            floor = FLOOR * np.maximum(1.0, y.mean(axis=1, keepdims=True))
            sigma = np.sqrt(np.maximum(fitted, floor))
        else:
            sigma = batch.inputs.spread(rows)
        unit = np.sqrt(np.where(scale > 0, scale, 1.0))
        out: Array = (y - fitted) / (sigma * unit[:, None])
    return out


def _mask(name: str, given: Mask | None, shape: tuple[int, int]) -> Mask:
    if given is None:
        return np.ones(shape, dtype=bool)
    if given.shape not in (shape, shape[1:]) or given.dtype != np.bool_:
        raise InputError(
            f"{name} is an array of {given.dtype} of the shape {given.shape}",
            where=name,
            remedy=f"Give booleans of the shape {shape[1:]} or {shape}",
        )
    return np.broadcast_to(given, shape)
