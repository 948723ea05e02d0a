"""Spectra that no recipe can make sense of, through the shipped recipe 'Zr 3d': refused in words or flagged, never ok.

All of them are simulated: Poisson counts of a doublet at 182.4 and 184.8 eV where there is one at all.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

import surfspec as ss
from surfspec.errors import SurfspecError

E = np.round(np.arange(176.0, 192.0, 0.1), 1)
POISSON = {"statistics": "poisson"}


def doublet(size: float = 900.0, level: float = 500.0, at: float = 182.4, x: np.ndarray = E) -> np.ndarray:
    lines = [
        height * np.exp(-4 * np.log(2) * ((x - position) / 1.3) ** 2)
        for height, position in ((1, at), (2 / 3, at + 2.41))
    ]
    return level + size * (lines[0] + lines[1])


def counts(expected: np.ndarray, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).poisson(expected).astype(float)


def changed(index: int, value: float) -> np.ndarray:
    y = counts(doublet())
    y[index] = value
    return y


def spectrum(y: np.ndarray, x: np.ndarray = E, **options: object) -> xr.Dataset:
    return ss.spectrum(x, y, technique="XPS", region="Zr 3d", **{**POISSON, **options})


def on_kinetic_energy() -> xr.Dataset:
    return ss.spectrum(E, counts(doublet()), technique="XPS", region="Zr 3d", axis="kinetic_energy", **POISSON)


def past_the_maker(index: int, value: float) -> xr.Dataset:
    """Return a spectrum that was spoilt after it had been checked."""
    data = spectrum(counts(doublet()))
    data["intensity"].values[index] = value
    return data


CASES: dict[str, Callable[[], xr.Dataset]] = {
    "a count that is NaN": lambda: spectrum(changed(60, np.nan)),
    "a NaN put in afterwards": lambda: past_the_maker(60, np.nan),
    "an infinite count": lambda: spectrum(changed(60, np.inf)),
    "all NaN": lambda: spectrum(np.full(E.size, np.nan)),
    "all zero": lambda: spectrum(np.zeros(E.size)),
    "constant": lambda: spectrum(np.full(E.size, 500.0)),
    "constant one": lambda: spectrum(np.ones(E.size)),
    "one spike": lambda: spectrum(np.where(E.size // 2 == np.arange(E.size), 20000.0, counts(doublet(0.0)))),
    "one spike where the line should be": lambda: spectrum(
        np.where(np.isclose(E, 182.4), 20000.0, counts(doublet(0.0)))
    ),
    "saturated plateau": lambda: spectrum(np.minimum(counts(doublet(40000.0)), 9000.0)),
    "window without peak": lambda: spectrum(counts(doublet(0.0))),
    "negative counts": lambda: spectrum(counts(doublet()) - 700.0),
    "two points": lambda: spectrum(np.array([500.0, 900.0]), np.array([180.0, 182.4])),
    "eight points": lambda: spectrum(counts(doublet())[::20], E[::20]),
    "kinetic energy": on_kinetic_energy,
    "scale 100 eV too low": lambda: spectrum(counts(doublet()), E - 100.0),
    "scale 100 eV too high": lambda: spectrum(counts(doublet()), E + 100.0),
    "scale 3 eV off": lambda: spectrum(counts(doublet(at=185.4))),
    "1e9 counts and 5 % wrong": lambda: spectrum(np.round(doublet(1e9, 1e8) * (1 + 0.05 * np.sin(3 * E)))),
    "1e17 counts": lambda: spectrum(np.round(doublet(1e17, 1e16))),
    "one count in all": lambda: spectrum((np.arange(E.size) == 64).astype(float)),
    "three counts in all": lambda: spectrum(np.isin(np.arange(E.size), (20, 64, 100)).astype(float)),
    "points that come twice": lambda: spectrum(np.repeat(counts(doublet()), 2), np.repeat(E, 2)),
    "every point ten times, hardly apart": lambda: spectrum(
        np.repeat(counts(doublet()), 10), np.repeat(E, 10) + np.tile(np.arange(10) * 1e-6, E.size)
    ),
    "all counts in one channel": lambda: spectrum(np.where(np.isclose(E, 182.4), 50000.0, 0.0)),
    "noise of two counts": lambda: spectrum(counts(np.full(E.size, 2.0))),
    "a step without peak": lambda: spectrum(counts(np.where(E > 183.0, 1500.0, 500.0))),
    "a step that rounds like a line": lambda: spectrum(counts(500.0 + 1000.0 / (1 + np.exp(-(E - 183.0) / 0.4)))),
    "a falling step": lambda: spectrum(counts(np.where(E > 183.0, 500.0, 1500.0))),
    "inverted": lambda: spectrum(counts(2000.0 - doublet(900.0, 0.0))),
    "only a slope": lambda: spectrum(counts(np.linspace(400.0, 2000.0, E.size))),
    "a saw": lambda: spectrum(500.0 + 400.0 * (np.arange(E.size) % 2)),
    "one line without its partner": lambda: spectrum(
        counts(500.0 + 3000.0 * np.exp(-4 * np.log(2) * ((E - 182.4) / 1.3) ** 2))
    ),
    "partner exchanged": lambda: spectrum(counts(doublet(3000.0, at=187.21 - 2.41)[::-1])),
    "four times too wide": lambda: spectrum(
        counts(500.0 + 900.0 * np.exp(-4 * np.log(2) * ((E - 184.0) / 8.0) ** 2))
    ),
    "noise three times too strong": lambda: spectrum(np.round(np.abs(doublet() + 3 * (counts(doublet()) - doublet())))),
    "noise three times too weak": lambda: spectrum(np.round(doublet() + (counts(doublet()) - doublet()) / 3)),
    "axis in nanometres": lambda: spectrum(counts(doublet()), 1239.84 / E[::-1]),
    "axis that counts points": lambda: spectrum(counts(doublet()), np.arange(E.size, dtype=float)),
}  # fmt: skip


def outcome(make: Callable[[], xr.Dataset], **options: float) -> tuple[str, str]:
    """Return the verdict and why; an error of the package counts as refused, any other fails the test."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            fit = ss.xps.fit(make(), "Zr 3d", **options)
    except SurfspecError as error:
        return "refused", str(error) if error.remedy else ""
    return str(fit.verdict.item()), str(fit.reasons.item())


@pytest.mark.parametrize("name", CASES)
def test_rubbish_is_refused_or_flagged(name: str) -> None:
    verdict, why = outcome(CASES[name])
    assert verdict in {"refused", "failed", "check"}, name
    assert why


@pytest.mark.parametrize("name", ["window without peak", "noise of two counts", "only a slope", "constant"])
def test_nor_is_a_peak_found_by_searching_for_it(name: str) -> None:
    assert outcome(CASES[name], shift_search=8.0)[0] != "ok"


def test_a_sound_spectrum_is_not_rubbish() -> None:
    assert [outcome(lambda seed=seed: spectrum(counts(doublet(), seed)))[0] for seed in range(6)].count("ok") >= 5


def test_strong_counts_alone_are_no_fault() -> None:
    assert outcome(lambda: spectrum(counts(doublet(1e9, 1e8))))[0] == "ok"


@pytest.mark.parametrize("level", [2.0, 500.0])
def test_no_peak_is_never_ok(level: float) -> None:
    verdicts = [outcome(lambda seed=seed: spectrum(counts(np.full(E.size, level), seed)))[0] for seed in range(20)]
    assert "ok" not in verdicts
    assert verdicts.count("failed") > 15
