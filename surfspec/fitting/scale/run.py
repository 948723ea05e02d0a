"""``fit_in_chunks``: one fit over a long series, chunk by chunk."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import xarray as xr

from surfspec.errors import InputError, MissingDependencyError, RecipeError, SchemaError, SurfspecError
from surfspec.fitting.scale.blocks import Block, block_sizes, cut, digest, in_memory
from surfspec.fitting.scale.identity import describe
from surfspec.fitting.scale.layout import Layout, layout_of, refused_part
from surfspec.fitting.scale.memory import MemoryResult
from surfspec.fitting.scale.optional import optional
from surfspec.fitting.scale.order import ordered
from surfspec.fitting.scale.store import ZarrResult
from surfspec.fitting.scale.workers import check_sendable, open_workers, run_over
from surfspec.fitting.series import INTERRUPTED, Progress

#: Fits a spectrum or series and returns a Dataset that keeps the series dimensions.
Fit = Callable[[xr.Dataset], xr.Dataset]


class _Result(Protocol):
    layout: Layout | None
    done: set[int]

    def begin(self, layout: Layout) -> None: ...
    def write(self, block: Block, values: Mapping[Any, Any]) -> None: ...
    def put(self, block: Block, values: Mapping[Any, Any]) -> None: ...
    def result(self) -> xr.Dataset: ...


def fit_in_chunks(
    dataset: xr.Dataset,
    fit: Fit,
    *,
    chunk: int | Mapping[str, int] | None = None,
    scheduler: Any = "sync",
    workers: int | None = None,
    store: str | Path | None = None,
    resume: bool = True,
    progress: Progress | None = None,
) -> xr.Dataset:
    """Fit a long series chunk by chunk: larger than memory, on several workers, resumable.

    Each chunk is read, fitted and put away before the next but a few is begun, so that memory is bounded by the chunk
    (and by the result, where it is not written to a store). Every member must be fitted on its own by `fit`; then
    the numbers are the same whatever the chunks and the scheduler. A fit that draws on the chunk as a whole (a shift
    of the energy scale found on the sum of all members) is refused when its chunks disagree, and one whose members
    share parameters when there is more than one chunk.

    Parameters
    ----------
    dataset
        Spectrum or series (..., axis); in memory, or lazy (from ``xarray.open_zarr``, say).
    fit
        Takes a Dataset of one chunk and returns one with the same series dimensions, such as
        ``functools.partial(surfspec.xps.fit, recipe="Zr 3d", shift_search=0.0)``.
    chunk
        Members in a chunk, or sizes by dimension; by default the chunks of a dask-backed intensity, else 256.
    scheduler
        ``"sync"`` (a plain loop), ``"threads"``, ``"processes"``, ``"distributed"`` (a cluster on this machine), or a
        ``distributed.Client``. The last two need the extra ``parallel``.
    workers
        How many workers; by default one for each processor.
    store
        Path of a zarr store for the results (needs the extra ``parallel``). Killed at any moment, the same call goes on
        where it stopped.
    resume
        Go on with a store that exists; False refuses it.
    progress
        Called with (members done, members in all) after each chunk.

    Returns
    -------
    xarray.Dataset
        As `fit` returns it, over the whole series; with `store` its numbers lie there and are read when used.
        Chunks that `fit` refuses as a whole are failed members with that reason and NaN for numbers. After a
        KeyboardInterrupt what is done is returned, and the other members are failed with the reason
        ``"refused: interrupted"``.

    Raises
    ------
    InputError
        For chunks that cannot be, a store of another run, a worker that died, a fit that returns something else than a
        result, in another order or with shared parameters, or results that differ between chunks.
    MissingDependencyError
        When a package of the extra ``parallel`` is needed and missing.
    SurfspecError
        The refusal of the first chunk, when all are refused.

    Examples
    --------
    >>> import functools, numpy as np, surfspec as ss
    >>> e = np.arange(176.0, 192.0, 0.2)
    >>> y = 500 + 900 * np.exp(-((e - 182.4) / 0.8) ** 2) + 600 * np.exp(-((e - 184.81) / 0.8) ** 2)
    >>> series = ss.stack([ss.spectrum(e, np.round(y * n), technique="XPS") for n in (1, 2, 3)], dim="spot")
    >>> fit = functools.partial(ss.xps.fit, recipe="Zr 3d", shift_search=0.0)
    >>> fit_in_chunks(series, fit, chunk=2).center.sel(component="Zr4+ 3d5/2").values.round(1).tolist()
    [182.4, 182.4, 182.4]
    """
    if not isinstance(dataset, xr.Dataset) or "intensity" not in dataset:
        raise InputError(
            f"a {type(dataset).__name__} without intensities is no series",
            where="dataset",
            remedy="Give a Dataset of surfspec.read() or surfspec.stack()",
        )
    if dataset["intensity"].dtype.kind == "c":
        raise InputError(
            "the intensities are complex numbers", where="dataset", remedy="Give their real part or their magnitude"
        )
    if not callable(fit):
        raise InputError(
            f"the fit is a {type(fit).__name__}",
            where="fit",
            remedy="Give a function, functools.partial(surfspec.xps.fit, recipe='Zr 3d') say",
        )
    sizes = block_sizes(dataset, chunk)
    blocks = cut(dataset, sizes)
    result: _Result = MemoryResult() if store is None else _stored(store, dataset, fit, sizes, resume=resume)
    one_pass = _Pass(dataset, fit, blocks, result, progress)
    if scheduler == "processes":
        check_sendable(fit)
    if len(result.done) < len(blocks):
        one_pass.run(scheduler, workers)
    return result.result()


def _stored(store: str | Path, dataset: xr.Dataset, fit: Fit, sizes: Mapping[str, int], *, resume: bool) -> ZarrResult:
    run = {
        "layout": 1,
        "chunk": dict(sizes),
        "series": {name: int(dataset.sizes[name]) for name in sizes},
        "fit": describe(fit),
        "data": digest(dataset),
    }
    return ZarrResult(store, run, sizes, resume=resume)


@dataclass(frozen=True)
class _Outcome:
    """What a worker returns: a result, or the error with which the fit refused the chunk."""

    part: xr.Dataset | None
    refusal: SurfspecError | None


def _fit_chunk(fit: Fit, chunk: xr.Dataset) -> _Outcome:
    loaded = in_memory(chunk)
    try:
        part = fit(loaded)
    except (SchemaError, RecipeError, MissingDependencyError):
        raise  # the same for every chunk
    except SurfspecError as error:
        return _Outcome(None, error)
    return _Outcome(ordered(part, loaded), None)


class _Pass:
    """One pass over the blocks that are not done."""

    def __init__(
        self, dataset: xr.Dataset, fit: Fit, blocks: list[Block], result: _Result, progress: Progress | None
    ) -> None:
        self.dataset = dataset
        self.fit = fit
        self.blocks = blocks
        self.result = result
        self.progress = progress
        self.total = sum(block.members for block in blocks)
        self.refused: list[tuple[Block, SurfspecError]] = []
        self.partial = -1
        self.count = sum(block.members for block in blocks if block.number in result.done)

    def run(self, scheduler: Any, count: int | None) -> None:
        """Fit what is not done; after an interrupt, leave the rest as it is."""
        waiting = [block for block in self.blocks if block.number not in self.result.done]
        call = functools.partial(_fit_chunk, self.fit)
        interrupted = False
        with open_workers(scheduler, count) as (pool, number):
            steps = run_over(waiting, lambda block: self._chunk(block, lean=pool is not None), call, pool, number + 1)
            try:
                for block, outcome in steps:
                    if not self._take(block, outcome):
                        interrupted = True
                        break
                    del outcome  # or it would stay while the next one is made
            except KeyboardInterrupt:
                interrupted = True
            finally:
                steps.close()
        self._finish(interrupted=interrupted)

    def _chunk(self, block: Block, *, lean: bool = False) -> xr.Dataset:
        """Return the data of a block, lazy as they are; `lean` leaves out what other blocks need."""
        chunk = self.dataset.isel(dict(block.slices))
        if lean and chunk.chunks:
            chunk = optional("dask", "a dask-backed series").optimize(chunk)[0]
        return chunk

    def _take(self, block: Block, outcome: _Outcome) -> bool:
        """Put one outcome away; return False where the fit was interrupted within it."""
        if outcome.part is None:
            if outcome.refusal is not None:
                self.refused.append((block, outcome.refusal))
            if self.result.layout is not None:
                self._write_refused()
            return True
        if "shared" in outcome.part.attrs and len(self.blocks) > 1:
            raise InputError(
                f"the fit has parameters in common ({outcome.part.attrs['shared']!s:.60}), of which every chunk would "
                "have its own value",
                where="fit",
                remedy="Fit all members at once (without chunks), or leave out shared",
            )
        if self.result.layout is None:
            self.result.begin(layout_of(outcome.part, block, self.dataset))
        self._layout().check(outcome.part, block)
        values = {name: outcome.part[name].values for name in self._layout().moving}
        if "reasons" in values and (values["reasons"] == INTERRUPTED).any():
            self.result.put(block, values)
            self.partial = block.number
            return False
        self.result.write(block, values)
        self._write_refused()
        self._report(block)
        return True

    def _write_refused(self) -> None:
        """Write the blocks that the fit refused, once it is known what a result looks like."""
        for block, error in self.refused:
            reason = f"refused: {error}".replace(";", ",")
            self.result.write(block, refused_part(self._layout(), block, in_memory(self._chunk(block)), reason))
            self._report(block)
        self.refused.clear()

    def _finish(self, *, interrupted: bool) -> None:
        if self.result.layout is None:
            if interrupted:
                raise KeyboardInterrupt
            raise self.refused[0][1]
        if interrupted and isinstance(self.result, MemoryResult):
            for block in self.blocks:
                if block.number not in self.result.done and block.number != self.partial:
                    chunk = in_memory(self._chunk(block))
                    self.result.put(block, refused_part(self._layout(), block, chunk, INTERRUPTED))

    def _report(self, block: Block) -> None:
        self.count += block.members
        if self.progress is not None:
            self.progress(self.count, self.total)

    def _layout(self) -> Layout:
        if self.result.layout is None:  # pragma: no cover - begun by the first result
            raise SchemaError("no result yet", remedy="Fit a chunk first")
        return self.result.layout
