"""Write the results of blocks into a zarr store that survives being killed at any moment.

The store is an ordinary zarr group (format 2, which fixes how text is stored) that ``xarray.open_zarr`` reads, whose
zarr chunks are the blocks. Beside the arrays, ``.surfspec/run.json`` says what is fitted, and
``.surfspec/done/<number>`` appears, in one step, after all arrays of a block are written. A block without its marker
is fitted again and overwritten: nothing is lost and nothing counts twice. The store itself appears in one step too.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import uuid
from collections.abc import Hashable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from surfspec.errors import FormatError, InputError
from surfspec.fitting.scale.blocks import Block, plain
from surfspec.fitting.scale.layout import Layout, layout_of_stored
from surfspec.fitting.scale.optional import optional

_NOTES = ".surfspec"
_PURPOSE = "store="


class ZarrResult:
    """The whole result as a zarr store that is filled block by block.

    Parameters
    ----------
    path
        The store.
    run
        What is fitted, as JSON: series, blocks, data and fit. A store of another run is refused.
    sizes
        Size of a block along each series dimension.
    resume
        Go on with a store that is there.

    Raises
    ------
    InputError
        When the path holds something else, or the store of another run.
    MissingDependencyError
        When zarr or dask is not installed.
    """

    def __init__(self, path: str | Path, run: Mapping[str, Any], sizes: Mapping[str, int], *, resume: bool) -> None:
        if not isinstance(path, str | Path):
            raise InputError(
                f"{path!r:.60} is no path", where="store", remedy="Give the name of a folder, 'fit.zarr' say"
            )
        self._zarr = optional("zarr", _PURPOSE)
        self._dask_array = optional("dask.array", _PURPOSE)
        self.path = Path(path)
        self._run = json.loads(json.dumps(run))
        self._sizes = dict(sizes)
        self.layout: Layout | None = None
        self.done: set[int] = set()
        self._group: Any = None
        if self.path.exists():
            self._take_up(resume=resume)
        elif not self.path.parent.is_dir():
            raise InputError("its folder does not exist", where=self.path, remedy=f"Make {self.path.parent} first")

    def _take_up(self, *, resume: bool) -> None:
        notes = self.path / _NOTES / "run.json"
        if not notes.is_file():
            raise InputError(
                "this is no store of fit_in_chunks", where=self.path, remedy="Choose another name for the store"
            )
        if not resume:
            raise InputError(
                "the store exists already", where=self.path, remedy="Choose another name, or pass resume=True to go on"
            )
        try:
            before = json.loads(notes.read_text(encoding="utf-8"))
        except ValueError as error:
            raise FormatError(
                f"the notes of the store are damaged ({error})", where=notes, remedy="Remove the store and start again"
            ) from error
        differs = sorted(key for key in {*before, *self._run} if before.get(key) != self._run.get(key))
        if differs:
            was, now = before.get(differs[0]), self._run.get(differs[0])
            raise InputError(
                f"the store holds another run: its {differs[0]} is {_shown(was, now)}",
                where=self.path,
                remedy="Choose another name for the store, or give the data, the fit and the chunk of that run",
            )
        with self._opened(chunks=None) as stored:
            self.layout = layout_of_stored(stored, tuple(self._sizes))
        self._group = self._zarr.open_group(str(self.path), mode="r+")
        self.done = {int(one.name) for one in (self.path / _NOTES / "done").iterdir() if one.name.isdigit()}

    @contextlib.contextmanager
    def _opened(self, chunks: Any) -> Iterator[xr.Dataset]:
        with xr.open_zarr(str(self.path), chunks=chunks, consolidated=True, decode_times=False) as stored:
            yield stored

    def begin(self, layout: Layout) -> None:
        """Make the store: text, counts and coordinates whole, numbers NaN; it appears under its name in one step."""
        self.layout = layout
        part = self.path.with_name(f".{self.path.name[:80]}.{uuid.uuid4().hex[:12]}.part")
        chunks = {
            name: tuple(max(1, min(self._sizes.get(d, n), n)) for d, n in zip(one.dims, one.shape, strict=True))
            for name, one in layout.moving.items()
        }
        filled = {
            name: self._dask_array.full(one.shape, np.nan, dtype=one.dtype, chunks=chunks[name])
            if np.dtype(one.dtype).kind == "f"
            else one.empty(name)
            for name, one in layout.moving.items()
        }
        encoding = {name: {"chunks": chunks[name]} for name in layout.moving}
        try:
            layout.dataset(filled).to_zarr(part, zarr_format=2, compute=False, encoding=encoding, consolidated=True)
            (part / _NOTES / "done").mkdir(parents=True)
            (part / _NOTES / "run.json").write_text(json.dumps(self._run, indent=1), encoding="utf-8")
            part.replace(self.path)
        except OSError as error:
            raise InputError(
                f"the store cannot be made ({error})",
                where=self.path,
                remedy="Check the free space and the permissions of the folder",
            ) from error
        finally:
            shutil.rmtree(part, ignore_errors=True)
        self._group = self._zarr.open_group(str(self.path), mode="r+")

    def write(self, block: Block, values: Mapping[Hashable, Any]) -> None:
        """Write one block, then its marker."""
        layout = self._begun()
        try:
            for name, one in layout.moving.items():
                array = np.asarray(values[name])
                self._group[str(name)][one.place(block)] = array.astype(object) if one.dtype is object else array
            marker = self.path / _NOTES / "done" / str(block.number)
            part = marker.with_name(f".{block.number}.part")
            part.write_text(f"{block.members}\n", encoding="ascii")
            part.replace(marker)
        except OSError as error:
            raise InputError(
                f"a chunk cannot be written ({error})",
                where=self.path,
                remedy="Check the free space of the disk, then call again: what is done is kept",
            ) from error

    def put(self, block: Block, values: Mapping[Hashable, Any]) -> None:
        """Leave a block that is not done as it is: the store says so already."""

    def result(self) -> xr.Dataset:
        """Return the whole Dataset, its numbers lazily from the store, its text in memory."""
        stored = xr.open_zarr(str(self.path), chunks={}, consolidated=True, decode_times=False)
        constant = self._begun().constant
        texts = {name: plain(one) for name, one in stored.variables.items() if one.dtype.kind in "OT"}
        whole = {**texts, **{name: one for name, one in constant.items() if name not in stored.indexes}}
        named = stored.assign({name: one for name, one in whole.items() if name not in stored.coords})
        out: xr.Dataset = named.assign_coords({name: one for name, one in whole.items() if name in stored.coords})
        return out

    def _begun(self) -> Layout:
        if self.layout is None:
            raise InputError("no chunk is fitted yet", where=self.path, remedy="Run it again")
        return self.layout


def _shown(was: Any, now: Any) -> str:
    """Return two values next to each other, from where they begin to differ if they are long."""
    one, other = repr(was), repr(now)
    if one[:80] != other[:80]:
        return f"{one:.80}, and now {other:.80}"
    first = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return f"...{one[first - 40 : first + 40]}, and now ...{other[first - 40 : first + 40]}"
