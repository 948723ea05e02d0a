"""Timing of two ways in one run, and the row that reports it."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Row:
    """One measured ratio. ``ratio`` is None where the peer is not installed; then ``ok`` is None too."""

    name: str
    ratio: float | None
    goal: float
    ok: bool | None
    unit: str


def _cost(call: Callable[[], object], repeats: int) -> float:
    start = time.process_time()
    for _ in range(repeats):
        call()
    return (time.process_time() - start) / repeats


def speed_up(ours: Callable[[], object], peer: Callable[[], object], *, quick: bool) -> float:
    """CPU time of the peer over ours: median of interleaved rounds, so that a busy machine slows both alike."""
    rounds, wanted = (5, 0.01) if quick else (15, 0.05)
    counts = []
    for call in (ours, peer):
        call()
        start = time.perf_counter()
        call()
        counts.append(max(1, int(wanted / max(time.perf_counter() - start, 1e-7))))
    gc.collect()
    gc.disable()
    try:
        return median(_cost(peer, counts[1]) / _cost(ours, counts[0]) for _ in range(rounds))
    finally:
        gc.enable()


def faster(name: str, ratio: float | None, goal: float) -> Row:
    """Row of a speed-up, which should be at least its goal."""
    return Row(name, ratio, goal, None if ratio is None else ratio >= goal, "times faster")


def nearer(name: str, error: float | None, goal: float, unit: str) -> Row:
    """Row of an error, which should be at most its goal."""
    return Row(name, error, goal, None if error is None else error <= goal, unit)
