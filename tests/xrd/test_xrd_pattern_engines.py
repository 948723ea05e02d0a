"""The compiled pass against plain numpy on every card."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from surfspec import errors
from surfspec.xrd.patterns import fast, intensities
from surfspec.xrd.patterns.calculated import pattern
from surfspec.xrd.patterns.intensities import intensity
from surfspec.xrd.patterns.profile import Caglioti
from surfspec.xrd.patterns.thompson import Thompson
from surfspec.xrd.structures.cards import phases

numba = pytest.importorskip("numba", reason="needs the extra 'fast'")
GRID = np.linspace(10.0, 100.0, 1500)
CARDS = phases()


@pytest.mark.parametrize(
    "arguments",
    [
        {"wavelength": "CuKa"},
        {
            "wavelength": "CoKa1", "profile": Thompson(), "monochromator": 26.6, "slit": "variable", "size": 50.0,
            "strain": 1e-3, "zero": 0.02, "displacement": -0.05, "transparency": -0.02,
        },
    ],
    ids=["plain", "all"],
)  # fmt: skip
def test_both_engines_agree_on_every_card(arguments):
    worst = {}
    for phase in CARDS:
        slow = intensity(phase, GRID, **arguments)
        quick = intensity(phase, GRID, engine="numba", **arguments)
        worst[phase.id] = float(np.abs(slow - quick).max() / slow.max())
    assert max(worst.values()) < 1e-10, max(worst, key=worst.get)


def test_both_engines_agree_where_only_the_lines_are_drawn_fast():
    for phase in CARDS[::20]:
        arguments = {"wavelength": "CuKa", "two_theta": GRID, "texture": (0.7, (1, 1, 0)), "axial": (0.02, 0.03),
                     "k_beta": 0.01, "size": 30.0}  # fmt: skip
        slow, quick = (pattern(phase, engine=engine, **arguments).intensity.values for engine in ("numpy", "numba"))
        assert np.abs(slow - quick).max() < 1e-10 * slow.max()


def test_uneven_grids_agree():
    grid = np.sort(np.random.default_rng(3).uniform(15.0, 80.0, 900))
    slow, quick = (intensity(CARDS[3], grid, wavelength="CuKa", engine=engine) for engine in ("numpy", "numba"))
    assert np.abs(slow - quick).max() < 1e-10 * slow.max()


def test_a_profile_without_width_is_refused_by_both():
    for engine in ("numpy", "numba"):
        with pytest.raises(errors.InputError, match="profile"):
            intensity(CARDS[0], GRID, wavelength="CuKa", profile=Caglioti(0.0, -0.1, 0.01), engine=engine)


def test_numba_is_not_loaded_before_it_is_asked_for():
    code = (
        "import sys, numpy as np\nfrom surfspec import xrd\n"
        "xrd.intensity(xrd.phases(['Si'])[0], np.arange(20.0, 60.0, 0.1), wavelength='CuKa')\n"
        "assert 'numba' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_engine_says_when_it_is_not_installed(monkeypatch):
    monkeypatch.setattr(intensities.fast, "installed", lambda: False)
    with pytest.raises(errors.InputError, match="not installed"):
        intensity(CARDS[0], GRID, wavelength="CuKa", engine="numba")
    assert fast.kernel.pattern is not None
