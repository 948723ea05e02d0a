"""Fit many members of a series at once: the steps of :mod:`.member_fit`, each on arrays of all members."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import schema
from surfspec.errors import InputError
from surfspec.fitting.batch import fast
from surfspec.fitting.batch.solve import PAYS_FOR_NUMBA
from surfspec.fitting.batch_members import members_from_batch
from surfspec.fitting.members import Members
from surfspec.fitting.model import Model
from surfspec.fitting.series import Progress
from surfspec.fitting.series_blocks import in_blocks
from surfspec.xps.region.member import Task, noise, other_starts
from surfspec.xps.region.member_fit import fit_member
from surfspec.xps.region.prepare import Prepared
from surfspec.xps.region.series_block import Block, Under

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Rows = NDArray[np.intp]

#: Members that are fitted at once.
BLOCK = 512


def members_of(spectrum: xr.Dataset) -> int:
    """Return the number of members of a series; 1 for a single spectrum."""
    return int(np.prod([spectrum.sizes[dim] for dim in schema.series_dims(spectrum)], dtype=int))


def fit_many(spectrum: xr.Dataset, ready: Prepared, *, start: str, engine: str, progress: Progress | None) -> Members:
    """Fit every member of a series, block by block.

    Parameters
    ----------
    spectrum
        Kind ``spectrum``.
    ready
        Recipe, model and window.
    start
        ``"fresh"`` or ``"global"``.
    engine
        ``"numpy"``, ``"numba"``, or ``"auto"``: numba where it is installed and the whole series pays for loading it.
    progress
        Called with (members done, members in all).

    Returns
    -------
    Members
        In C order of the series dimensions.
    """
    x = np.array(spectrum["binding_energy"].values, dtype=np.float64)
    y = np.asarray(spectrum["intensity"].values, dtype=np.float64).reshape(-1, x.size)
    given = "intensity_unc" in spectrum
    sigma = np.asarray(spectrum["intensity_unc"].values, dtype=np.float64).reshape(y.shape) if given else None
    task, model = ready.task, ready.task.table.model
    engine = engine_for(engine, model, len(y))
    warm = _mean_fit(ready, x, y, sigma) if start == "global" else None

    def work(rows: Rows) -> Members:
        some = None if sigma is None else sigma[rows]
        return fit_together(task, x, y[rows], some, ready.inside, engine=engine, warm=warm)

    return in_blocks(
        len(y),
        BLOCK,
        work,
        points=int(np.count_nonzero(ready.inside)),
        components=len(model.components),
        parameters=model.parameters,
        progress=progress,
    )


def engine_for(engine: str, model: Model, members: int) -> str:
    """Return the engine that ``"auto"`` stands for: numba where it is installed and the members pay for loading it."""
    if engine != "auto":
        return engine
    pays = members * len(other_starts(model.parameters)) >= PAYS_FOR_NUMBA
    return "numba" if pays and fast.installed() else "numpy"


def _mean_fit(ready: Prepared, x: Array, y: Array, sigma: Array | None) -> Array:
    """Return the parameters of the mean spectrum."""
    usable = np.isfinite(y).all(axis=1)
    if not usable.any():
        raise InputError("no member has finite intensities throughout", where="start", remedy="Repair the data")
    unc = None if sigma is None else np.sqrt((sigma[usable] ** 2).sum(axis=0)) / usable.sum()
    return fit_member(ready.task, x, y[usable].mean(axis=0), unc, ready.inside).value


def fit_together(
    task: Task,
    x: Array,
    y: Array,
    sigma: Array | None,
    inside: Mask,
    *,
    engine: str,
    warm: Array | None = None,
    fresh: bool = True,
    prior_means: Array | None = None,
) -> Members:
    """Fit several spectra on one axis, each on its own, all of them step by step.

    Parameters
    ----------
    task
        Recipe and model.
    x
        Binding energy of the whole spectra, shape (n,), eV.
    y
        Intensities, shape (m, n).
    sigma
        Standard uncertainties where they were given, shape (m, n).
    inside
        Which points are fitted, shape (n,).
    engine
        As for :func:`surfspec.fitting.solve_batch`.
    warm
        Values of the parameters to begin at, shape (p,), besides the starts of the recipe.
    fresh
        Begin at the starts of the recipe, too.
    prior_means
        Means of the priors of each spectrum, shape (m, p), in the place of those of the recipe.

    Returns
    -------
    Members
        In the order of `y`.
    """
    if task.one_by_one:
        return _each(task, x, y, sigma, inside, warm, prior_means)
    block = Block(task, x, y, _noise(task, y, sigma), inside, engine, prior_means)
    rows = np.arange(len(y))
    first = block.background(rows, None)
    starts = other_starts(task.table.model.parameters)
    begin = [*([] if warm is None else [warm]), *(starts if fresh or warm is None else [])]
    batch = block.solve(rows, first.values, first.sensitivity, first.anchor_unc, begin)
    batch = block.second_look(first, batch)
    under = Under.of(first)
    if block.lowers:
        under, batch = block.below_tails(first, batch)
    batch = block.placed(first, batch)
    return block.judged(under, batch, members_from_batch(batch, block.begin(first, starts[0])))


def _each(
    task: Task, x: Array, y: Array, sigma: Array | None, inside: Mask, warm: Array | None, prior_means: Array | None
) -> Members:
    """Fit several spectra one after the other."""
    model, out = task.table.model, []
    for i, one in enumerate(y):
        own = task
        if prior_means is not None:
            held = tuple(
                p if p.prior is None else replace(p, prior=(float(mean), p.prior[1]))
                for p, mean in zip(model.parameters, prior_means[i], strict=True)
            )
            own = replace(task, table=replace(task.table, model=replace(model, parameters=held)))
        out.append(fit_member(own, x, one, None if sigma is None else sigma[i], inside, warm=warm))
    return Members.of(out)


def _noise(task: Task, y: Array, sigma: Array | None) -> Array | None:
    if task.statistics != "unknown":
        return sigma
    return np.stack([np.asarray(noise(one, task.statistics, None)) for one in y])
