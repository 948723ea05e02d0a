"""Calculated powder patterns: cards of the library against pymatgen (sticks alone) and gemmi (structure factors alone).

Ours are whole patterns, from the structure to the profile on 2,000 points between 10 and 100 deg of Cu Ka1, without
any result kept from an earlier call (what is kept: tables by element, by space group, and the atoms of a site, as a
pymatgen Structure keeps its own). CPU time, all ways in turn, medians of the rounds of each card.
"""

from __future__ import annotations

import contextlib
import time
import warnings
from collections.abc import Callable
from statistics import median
from typing import Any

import gemmi
import numpy as np

from benchmarks.measure import Row, faster, nearer
from surfspec import xrd
from surfspec.xrd.patterns import fast
from surfspec.xrd.patterns.atoms import images
from surfspec.xrd.patterns.intensities import intensity
from surfspec.xrd.patterns.structure_factors import lines

WAVE = 1.5405929
GRID = np.linspace(10.0, 100.0, 2000)


def structure(phase: xrd.Phase) -> Any:
    """The phase as a pymatgen Structure, all atoms of the cell listed."""
    from pymatgen.core import Lattice, Structure  # noqa: PLC0415 - a peer that need not be there

    placed = [(dict(site.species), point) for site in phase.sites for point in images(site.xyz, phase.space_group)[0]]
    return Structure(Lattice.from_parameters(*phase.cell), [one for one, _ in placed], [point for _, point in placed])


def small_structure(phase: xrd.Phase) -> gemmi.SmallStructure:
    """The phase as gemmi has it."""
    out = gemmi.SmallStructure()
    out.cell, out.spacegroup_hm = phase.unit_cell, phase.space_group
    for site in phase.sites:
        for symbol, share in site.species.items():
            one = gemmi.SmallStructure.Site()
            one.label, one.element, one.occ = site.label, gemmi.Element(symbol), share
            one.fract, one.u_iso = gemmi.Fractional(*site.xyz), site.b_iso / (8.0 * np.pi**2)
            out.add_site(one)
    out.determine_and_set_spacegroup("1")
    out.setup_cell_images()
    out.change_occupancies_to_crystallographic(max_dist=0.05)
    return out


def ways(phase: xrd.Phase) -> dict[str, Callable[[], object]]:
    """Every way to the pattern of a phase that is installed here."""

    def plain() -> object:
        lines.cache_clear()
        return intensity(phase, GRID, wavelength=WAVE)

    found: dict[str, Callable[[], object]] = {"numpy": plain}
    if fast.installed():
        found["numba"] = lambda: intensity(phase, GRID, wavelength=WAVE, engine="numba")
    made_small, indices = small_structure(phase), lines(phase, WAVE, 100.0).hkl.tolist()
    calculate = gemmi.StructureFactorCalculatorX(made_small.cell).calculate_sf_from_small_structure
    found["gemmi (F of known indices)"] = lambda: [abs(calculate(made_small, hkl)) ** 2 for hkl in indices]
    with contextlib.suppress(ImportError):
        from pymatgen.analysis.diffraction.xrd import XRDCalculator  # noqa: PLC0415

        made, calculator = structure(phase), XRDCalculator(wavelength=WAVE)
        found["pymatgen"] = lambda: calculator.get_pattern(made, two_theta_range=(10, 100))
    return found


def timed(phase: xrd.Phase, rounds: int) -> dict[str, float]:
    """CPU seconds of each way, median of interleaved rounds; quick ways are repeated within a round."""
    calls = ways(phase)
    repeats = {}
    for name, call in calls.items():
        call()
        start = time.perf_counter()
        call()
        repeats[name] = max(1, int(1e-3 / max(time.perf_counter() - start, 1e-7)))
    spent: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            start = time.process_time()
            for _ in range(repeats[name]):
                call()
            spent[name].append((time.process_time() - start) / repeats[name])
    return {name: median(values) for name, values in spent.items()}


def _against_peers(phases: list[xrd.Phase], rounds: int) -> list[Row]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        spent = [timed(phase, rounds) for phase in phases]
    rows = [
        Row(f"XRD pattern with profile, {name}: median over the cards", 1e3 * median(one[name] for one in spent), 0.0,
            None, "ms")
        for name in spent[0]
    ]  # fmt: skip
    for name, goal in (("numba", 75.0), ("numpy", 8.0)):
        ratios = (
            sorted(one["pymatgen"] / one[name] for one in spent) if {"pymatgen", name} <= spent[0].keys() else [None]
        )
        middle = None if ratios[0] is None else median(ratios)
        rows += [
            faster(f"XRD pattern with profile, {name} against pymatgen (sticks): median", middle, goal),
            faster(f"XRD pattern with profile, {name} against pymatgen (sticks): worst card", ratios[0], goal),
            Row(
                f"XRD pattern with profile, {name}: share of the cards at the goal", _share(ratios, goal), 0.0, None, ""
            ),
        ]
    return rows


def _share(ratios: list[float | None], goal: float) -> float | None:
    met = [one >= goal for one in ratios if one is not None]
    return sum(met) / len(met) if met else None


def _cold_lines(phases: list[xrd.Phase], quick: bool) -> Row:
    best = np.inf
    for _ in range(5 if quick else 20):
        lines.cache_clear()
        start = time.process_time()
        for phase in phases:
            lines(phase, WAVE, 90.0)
        best = min(best, time.process_time() - start)
    return Row(f"XRD lines of {len(phases)} cards, cold, numpy", 1e3 * best, 0.0, None, "ms")


def _cube(atoms: int, edge: float) -> xrd.Phase:
    """An invented triclinic crystal."""
    places = np.random.default_rng(atoms).random((atoms, 3))
    apart = (np.arange(atoms)[:, None] // np.array([1, 4, 16]) % 4 + 0.3 * places) / 4.0
    sites = tuple(
        xrd.Site(f"O{i}", {"O": 1.0}, (float(x), float(y), float(z)), 0.5) for i, (x, y, z) in enumerate(apart)
    )
    return xrd.Phase(
        f"made{atoms}", "made", f"O{atoms}", "P -1", (edge, edge * 1.03, edge * 1.07, 88.0, 93.0, 95.0), sites,
        "invented", "D",
    )  # fmt: skip


def _growth(quick: bool) -> list[Row]:
    """Time at eight times the sites or lines over that at one: 8 is linear."""
    base, sites, wide = _cube(4, 12.0), _cube(32, 12.0), _cube(4, 24.0)
    rounds, out = (3 if quick else 9), []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        spent = [timed_ours(one, rounds) for one in (base, sites, wide)]
    for name in spent[0]:
        for what, one in (("sites", spent[1]), ("lines", spent[2])):
            ratio = one[name] / spent[0][name]
            out.append(nearer(f"XRD pattern, {name}: time at eight times the {what}", ratio, 10.0, "times"))
    return out


def timed_ours(phase: xrd.Phase, rounds: int) -> dict[str, float]:
    """As :func:`timed`, without the peer."""
    calls = {name: call for name, call in ways(phase).items() if name in ("numpy", "numba")}
    out = {}
    for name, call in calls.items():
        call()
        spent = []
        for _ in range(rounds):
            start = time.process_time()
            call()
            spent.append(time.process_time() - start)
        out[name] = min(spent)
    return out


def rows(quick: bool = False) -> list[Row]:
    """Every row of this module."""
    phases = list(xrd.phases())
    chosen = phases[::6] if quick else phases
    return [*_against_peers(chosen, 5 if quick else 9), _cold_lines(phases, quick), *_growth(quick)]
