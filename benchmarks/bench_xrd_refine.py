"""A refinement here and the plain way with lmfit (numerical derivatives): ``python -m benchmarks.bench_xrd_refine``;
and the errors of cells over their uncertainties in simulated patterns.

The same four phases, the same 7,000 points, the same line shapes and the same free parameters in both; lmfit starts
from where the refinement here starts after its coarse search, which it is spared.
"""

from __future__ import annotations

import time

import lmfit
import numpy as np

import surfspec as ss
from surfspec.xrd.lines.background import spline_basis
from surfspec.xrd.refinement import least_squares, parameters, phase_model

PHASES = ("corundum", "ZnO", "CaF2", "ZrO2_m")
GRID = np.arange(20.0, 160.0, 0.02)
ROLES = ("displacement", "U", "V", "W", "X", "Y")


def measured(seed: int = 4) -> np.ndarray:
    """Counts of a simulated mixture whose cells are 0.1 % larger than those of the cards."""
    total = np.zeros(len(GRID))
    for name, share in zip(PHASES, (0.4, 0.3, 0.2, 0.1), strict=True):
        card = ss.xrd.phases([name])[0]
        a, b, c, alpha, beta, gamma = card.cell
        larger = ss.xrd.Phase(
            card.id, card.name, card.formula, card.space_group,
            (a * 1.001, b * 1.001, c * 1.001, alpha, beta, gamma), card.sites, card.source, card.trust,
        )  # fmt: skip
        total += share * ss.xrd.pattern(larger, wavelength="CuKa", two_theta=GRID, scale=1.0).intensity.values
    return np.asarray(np.random.default_rng(seed).poisson(100.0 + 8000.0 * total / total.max()))


def with_lmfit(counts: np.ndarray) -> tuple[float, int, float]:
    """Seconds, evaluations and chi-square of the plain way."""
    light = ss.xrd.radiation("CuKa")
    chosen = [ss.xrd.phases([name])[0] for name in PHASES]
    models = [phase_model.build(one, light, (GRID[0], GRID[-1])) for one in chosen]
    table = parameters.table(list(PHASES), [one.parts.shape[1] for one in models], [0.01] * len(models))
    free = [i for i, role in enumerate(table.roles) if role in ROLES or role.startswith("p")]
    basis = spline_basis(GRID, 10.0)
    sigma = np.sqrt(np.maximum(counts, 1.0))
    first = {"W": 0.006, "X": 0.03, "Y": 0.01}
    start = np.array([first.get(role, value) for role, value in zip(table.roles, table.value, strict=True)])
    state = least_squares.evaluate(
        models, table.with_values(start), least_squares.data(GRID, counts.astype(float), sigma**2, basis)
    )
    background = np.linalg.lstsq(basis, state.background, rcond=None)[0]
    asked = lmfit.Parameters()
    for i in free:
        asked.add(f"n{i}", start[i], min=table.low[i], max=table.high[i])
    for i, value in enumerate(state.amplitudes):
        asked.add(f"s{i}", max(value, 1e-9), min=0.0)
    for i, value in enumerate(background):
        asked.add(f"b{i}", value)

    def residual(current: lmfit.Parameters) -> np.ndarray:
        value = start.copy()
        value[free] = [current[f"n{i}"].value for i in free]
        moved = table.with_values(value)
        total = basis @ [current[f"b{i}"].value for i in range(basis.shape[1])]
        for number, one in enumerate(models):
            drawn = phase_model.draw(one, GRID, moved.of_phase(number), moved.factors(number))
            total = total + current[f"s{number}"].value * drawn.columns[:, 0]
        return np.asarray((counts - total) / sigma)

    begun = time.process_time()
    found = lmfit.minimize(residual, asked, max_nfev=3000)
    seconds = time.process_time() - begun
    if not found.success:
        print("lmfit was stopped before its end: the ratio is a lower bound")
    return seconds, int(found.nfev), float(found.chisqr)


def pulls(names: tuple[str, ...], shifts: str, draws: int = 40) -> tuple[float, float]:
    """Root mean square and largest error of cell lengths over their uncertainty, in draws of one simulated mixture."""
    angles = np.arange(20.0, 100.0, 0.02)
    parts = [ss.xrd.pattern(name, wavelength="CuKa", two_theta=angles, scale=1.0).intensity.values for name in names]
    total = sum(part / part.max() for part in parts)
    found = []
    for seed in range(draws):
        counts = np.random.default_rng(seed).poisson(100.0 + 5000.0 * total / np.max(total))
        spectrum = ss.spectrum(angles, counts, technique="XRD", simulated="true")
        fit = ss.xrd.refine(spectrum, list(names), wavelength="CuKa", shifts=shifts)
        for name in names:
            row, truth = fit.sel(component=name), np.array(ss.xrd.phases(name)[0].cell[:3])
            apart = np.sort(np.unique(truth, return_index=True)[1])
            found += list(((row.cell_length.values - truth) / row.cell_length_unc.values)[apart])
    return float(np.sqrt(np.mean(np.square(found)))), float(np.abs(found).max())


def main() -> None:
    """Print both, and how far cells are from the truth."""
    for names in (("CaF2", "quartz"), ("Pb_fcc", "ZrO2_m")):
        for shifts in ("displacement", "auto"):
            spread, largest = pulls(names, shifts)
            print(f"{' + '.join(names)}, shifts={shifts!r}: pulls of cells RMS {spread:.2f}, largest {largest:.1f}")
    counts = measured()
    spectrum = ss.spectrum(GRID, counts, technique="XRD", simulated="true")
    ss.xrd.refine(spectrum, list(PHASES), wavelength="CuKa", two_theta=(20.0, 40.0))  # tables and caches of the phases
    times = []
    for _ in range(3):
        begun = time.process_time()
        fit = ss.xrd.refine(spectrum, list(PHASES), wavelength="CuKa", asymmetry=False, texture="none")
        times.append(time.process_time() - begun)
    print(f"here: {np.median(times):.2f} s of processor time, chi-square {float(fit.chi2):.0f} of {len(GRID)} points")
    seconds, calls, chi2 = with_lmfit(counts)
    print(f"lmfit, numerical derivatives: {seconds:.2f} s, {calls} evaluations, chi-square {chi2:.0f}")
    print(f"ratio {seconds / np.median(times):.0f}")


if __name__ == "__main__":
    main()
