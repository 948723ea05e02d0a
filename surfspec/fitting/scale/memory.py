"""Collect the results of blocks in memory."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from surfspec.errors import InputError
from surfspec.fitting.scale.blocks import Block
from surfspec.fitting.scale.layout import Layout


class MemoryResult:
    """The whole result as arrays that are filled block by block."""

    def __init__(self) -> None:
        self.layout: Layout | None = None
        self.done: set[int] = set()
        self._arrays: dict[Hashable, np.ndarray[Any, Any]] = {}

    def begin(self, layout: Layout) -> None:
        """Make room for the whole result."""
        self.layout = layout
        self._arrays = {name: one.empty(name) for name, one in layout.moving.items()}

    def write(self, block: Block, values: Mapping[Hashable, Any]) -> None:
        """Fill one block and count it as done."""
        self.put(block, values)
        self.done.add(block.number)

    def put(self, block: Block, values: Mapping[Hashable, Any]) -> None:
        """Fill one block without counting it as done."""
        for name, one in self._begun().moving.items():
            self._arrays[name][one.place(block)] = values[name]

    def result(self) -> xr.Dataset:
        """Return the whole Dataset; members of blocks that are not done say so."""
        texts = {name: one.astype(np.str_) for name, one in self._arrays.items() if one.dtype.kind == "O"}
        return self._begun().dataset({**self._arrays, **texts})

    def _begun(self) -> Layout:
        if self.layout is None:
            raise InputError("no chunk is fitted yet", where="fit_in_chunks", remedy="Run it again")
        return self.layout
