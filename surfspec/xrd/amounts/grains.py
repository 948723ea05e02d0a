"""Grain sizes as users give them, read into medians and factors of log-normal distributions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from surfspec import given
from surfspec.errors import InputError
from surfspec.xrd.amounts.microabsorption import GRAIN_FACTOR, LARGEST_GRAIN, MEDIAN_GRAIN

Array = NDArray[np.float64]
#: Micrometre, alone or with its standard uncertainty.
Size = float | tuple[float, float]
#: One size for all phases, sizes by phase, or None for unknown ones.
Grain = Size | Mapping[str, Size] | None


def distribution(grain: Grain, phases: tuple[str, ...]) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Return median (micrometre) and factor of the size of each phase, and which sizes were given.

    Raises
    ------
    InputError
        For sizes that are no positive numbers, and for phases that are not there.
    """
    table = grain if isinstance(grain, Mapping) else dict.fromkeys(phases, grain) if grain is not None else {}
    foreign = [name for name in table if name not in phases]
    if foreign:
        raise InputError(
            f"a grain size is given for {foreign[0]!r}, which is not there",
            where="grain",
            remedy=f"The phases are {', '.join(phases)}",
        )
    median, factor = np.full(len(phases), MEDIAN_GRAIN), np.full(len(phases), GRAIN_FACTOR)
    known = np.zeros(len(phases), dtype=np.bool_)
    for place, name in enumerate(phases):
        if name not in table:
            continue
        size, unc = _size(table[name], name)
        median[place], factor[place] = size, float(np.exp(np.sqrt(np.log1p((unc / size) ** 2))))
        known[place] = True
    return median, factor, known


def _size(entry: object, name: str) -> tuple[float, float]:
    where = f"grain of {name}"
    pair = entry if isinstance(entry, tuple | list) else (entry, 0.0)
    if len(pair) != 2:
        raise InputError(
            f"the {where} is {given.shown(entry)}", where="grain", remedy="Give um, or (um, standard uncertainty)"
        )
    size = given.number(pair[0], where, low=0.0, high=10 * LARGEST_GRAIN, above=True)
    return size, given.number(pair[1], where, low=0.0, high=size)
