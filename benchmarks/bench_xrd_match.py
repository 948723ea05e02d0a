"""Phase identification: seconds for one pattern with the elements given and blind, and growth with the candidates.

The pattern is simulated: NaSICON, monoclinic zirconia and zircon. Synthetic cards for the growth are shipped ones with
cells scaled by 3 to 15 %. CPU time of one process, so that other programs do not count; lower is better.
"""

from __future__ import annotations

import dataclasses
import time
from statistics import median

import numpy as np
import xarray as xr

import surfspec as ss
from benchmarks.measure import Row, nearer
from surfspec import xrd

MIXTURE = {"NZSP_C2c": 88.0, "ZrO2_m": 6.0, "ZrSiO4": 6.0}
ELEMENTS = ("Na", "Zr", "Si", "P", "O")


def pattern() -> xr.Dataset:
    """Return a simulated laboratory pattern, 10 to 80 deg."""
    x = np.arange(10.0, 80.0, 0.0334)
    y = np.zeros_like(x)
    for card in xrd.phases(MIXTURE):
        scale = MIXTURE[card.id] / card.density
        y += xrd.pattern(card, wavelength="CuKa", two_theta=x, scale=scale, zero=0.03).intensity.values
    counts = np.random.default_rng(3).poisson(8000.0 * y / y.max() + 150.0 * (1.0 + 60.0 / x))
    return ss.spectrum(x, counts, technique="XRD", simulated="true")


def synthetic(count: int, *, seed: int = 1) -> list[xrd.Phase]:
    """Return the cards of the mixture and others with scaled cells, `count` in all."""
    rng = np.random.default_rng(seed)
    cards = list(xrd.phases())
    found = [card for card in cards if card.id in MIXTURE]
    while len(found) < count:
        card = cards[int(rng.integers(len(cards)))]
        factor = 1.0 + float(rng.uniform(0.03, 0.15)) * (1.0 if rng.random() < 0.5 else -1.0) * 0.8
        cell = (card.cell[0] * factor, card.cell[1] * factor, card.cell[2] * factor, *card.cell[3:])
        found.append(dataclasses.replace(card, id=f"{card.id}_{len(found)}", cell=cell, verified=False))
    return found[:count]


def seconds(spectrum: xr.Dataset, rounds: int, **options: object) -> tuple[float, float]:
    """CPU seconds of one identification: the first (cards computed) and the median of the next."""
    times, answer = [], None
    for _ in range(rounds + 1):
        start = time.process_time()
        answer = xrd.match(spectrum, wavelength="CuKa", **options)  # type: ignore[arg-type]
        times.append(time.process_time() - start)
    if answer is None or not set(MIXTURE) <= set(answer.phase.values.tolist()):
        raise RuntimeError(f"the answer is wrong: {answer}")
    return times[0], median(times[1:])


def rows(quick: bool) -> list[Row]:
    """Rows of this benchmark."""
    spectrum = pattern()
    rounds = 2 if quick else 5
    ninety = [card for card in xrd.phases() if card.id in MIXTURE]
    ninety += [card for card in xrd.phases() if card.id not in MIXTURE][: 90 - len(ninety)]
    found = [
        nearer("XRD match: elements given", seconds(spectrum, rounds, elements=ELEMENTS)[1], 0.5, "s"),
        nearer("XRD match: 90 candidates", seconds(spectrum, rounds, phases=ninety)[1], 0.5, "s"),
        nearer("XRD match: blind, every card", seconds(spectrum, rounds)[1], 2.0, "s"),
    ]
    for count, goal in ((10, 0.5), (100, 0.8), (1000, 5.0)):
        if quick and count == 1000:
            continue
        first, again = seconds(spectrum, 1, phases=synthetic(count))
        found.append(nearer(f"XRD match: {count} synthetic candidates ({first:.2f} s at first)", again, goal, "s"))
    return found
