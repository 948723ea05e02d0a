"""Stated uncertainties against the scatter of replicates: ``python -m benchmarks.calibration [COUNT]``.

Simulated Poisson counts on peaks of known parameters are fitted by the public solver; a pull is (value - truth) over
its uncertainty. A line gives the verdicts, and what the fits are worth that are ``ok`` with all their amplitudes
needed. Same seeds, same table.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from surfspec.fitting import BoundModel, Component, Model, Parameter, Solution, Tie, judge, solve

X = np.linspace(280.0, 290.0, 101)
FWHM = 1.3
#: Area of a Gaussian 1e5 eV wide that is one count high: a level.
LEVEL = 1e5 * np.sqrt(np.pi / np.log(2)) / 2
#: Area of a Gaussian of that FWHM that is one count high.
HEIGHT = FWHM * np.sqrt(np.pi / np.log(2)) / 2


@dataclass(frozen=True)
class Case:
    """Peaks and their truth."""

    name: str
    peaks: tuple[str, ...]
    truth: dict[str, float]


def pair(apart: float, height: float, level: float) -> Case:
    """Two peaks of equal width, areas 3 to 2, some FWHM apart."""
    area, second = height * HEIGHT, 285.0 + apart * FWHM
    truth = {"a area": area, "b area": area / 1.5, "a center": 285.0, "b center": second, "level": level}
    return Case(f"pair, {apart:g} FWHM apart, {height:g} counts", ("a", "b"), truth)


STRONG = Case("strong: 2,170 counts on 100", ("a",), {"a area": 3000.0, "level": 100.0})
WEAK = Case("weak: 8.7 counts on 2", ("a",), {"a area": 12.0, "level": 2.0})
OVERLAPPING = Case("overlapping: 0.9 FWHM apart", ("a", "b"), {"a area": 1500.0, "b area": 1000.0, "level": 50.0})
SOUND = (STRONG, WEAK, OVERLAPPING)
CLOSE = tuple(pair(apart, 300.0, 20.0) for apart in (0.3, 0.5, 0.6, 0.7, 0.8, 1.2))
FAINT = tuple(pair(apart, 30.0, 2.0) for apart in (0.3, 0.5, 0.8, 1.2))


def problem(*peaks: str, level: float, fixed: tuple[str, ...] = (), base: float = 0.0) -> BoundModel:
    """Return peaks with a common width over a free level (or a fixed `base`); parameters named in `fixed` are."""
    parameters = [Parameter("fwhm", FWHM, 0.4, 3.5, vary="fwhm" not in fixed)]
    components = []
    for position, name in zip((284.8, 286.0), peaks, strict=False):
        center = f"{name} center"
        parameters.append(Parameter(f"{name} area", 30.0, 0.0, natural_low=True))
        parameters.append(Parameter(center, position, position - 1.5, position + 1.5, vary=center not in fixed))
        roles = {"center": Tie(center), "fwhm": Tie("fwhm")}
        components.append(Component(name, "gaussian", Tie(f"{name} area"), roles))
    if not base:
        parameters += [
            Parameter("level", level, 0.0),
            Parameter("zero", 285.0, vary=False),
            Parameter("flat", 1e5, vary=False),
        ]
        roles = {"center": Tie("zero"), "fwhm": Tie("flat")}
        components.append(Component("level", "gaussian", Tie("level", LEVEL), roles))
    return BoundModel(Model(tuple(parameters), tuple(components)), X, np.full(X.size, base))


def replicates(
    bound: BoundModel, truth: dict[str, float], count: int, seed: int = 0
) -> tuple[np.ndarray, list[Solution]]:
    """Return the true values and the fits of `count` simulated spectra."""
    values = np.array([truth.get(p.name, p.value) for p in bound.parameters])
    expected = bound.evaluate(values)
    rng = np.random.default_rng(seed)
    return values, [solve(bound, rng.poisson(expected).astype(float)) for _ in range(count)]


@dataclass(frozen=True)
class Outcome:
    """What became of the replicates of a case; all but the shares is of the fits that are good."""

    verdicts: dict[str, float]
    replaceable: float
    good: float
    names: tuple[str, ...]
    widths: np.ndarray
    means: np.ndarray
    bias: np.ndarray
    beyond_three: float

    def row(self, name: str) -> str:
        """Return a line of the table."""
        shares = " ".join(f"{100 * self.verdicts[v]:6.1f}" for v in ("ok", "check", "failed"))
        text = f"{name:<36} {shares} {100 * self.replaceable:8.1f} {100 * self.good:6.1f}"
        if not np.all(np.isfinite(self.widths)):
            return f"{text}   too few"
        worst = self.means[np.argmax(np.abs(self.means))]
        bias = " ".join(f"{100 * b:+.1f}" for b in self.bias)
        return (
            f"{text}   {self.widths.min():.2f}-{self.widths.max():.2f} {worst:+6.2f} "
            f"{100 * self.beyond_three:6.1f}   {bias}"
        )


def outcome(case: Case, count: int, seed: int = 0) -> Outcome:
    """Fit `count` replicates of a case; good are those that are ok and need all their amplitudes."""
    bound = problem(*case.peaks, level=case.truth["level"])
    values, solutions = replicates(bound, case.truth, count, seed)
    verdicts = [judge(one)[0] for one in solutions]
    good = [s for s, v in zip(solutions, verdicts, strict=True) if v == "ok" and not s.replaceable]
    free = np.array([p.vary for p in bound.parameters])
    areas = np.array([p.name.endswith("area") for p in bound.parameters])
    none = np.full(int(free.sum()), np.nan)
    pulls = np.array([(s.values - values)[free] / s.uncertainties[free] for s in good])
    many = len(good) >= 10
    return Outcome(
        verdicts={v: verdicts.count(v) / count for v in ("ok", "check", "failed")},
        replaceable=sum(bool(s.replaceable) for s in solutions) / count,
        good=len(good) / count,
        names=tuple(p.name for p in bound.parameters if p.vary),
        widths=pulls.std(axis=0) if many else none,
        means=pulls.mean(axis=0) if many else none,
        bias=np.mean([s.values[areas] for s in good], axis=0) / values[areas] - 1 if many else none[: areas.sum()],
        beyond_three=float(np.mean(np.any(np.abs(pulls) > 3, axis=1))) if good else np.nan,
    )


def table(count: int) -> Iterator[str]:
    """Yield the lines, one a case."""
    yield f"{count} replicates each; shares in %; widths, largest mean, any beyond 3 of the pulls; bias of areas"
    head = f"{'':<36} {'ok':>6} {'check':>6} {'failed':>6} {'no need':>8} {'good':>6}"
    yield f"{head}   {'widths':<9} {'mean':>6} {'> 3':>6}   bias"
    for case in (*SOUND, *CLOSE, *FAINT):
        yield outcome(case, count).row(case.name)


if __name__ == "__main__":
    for line in table(int(sys.argv[1]) if len(sys.argv) > 1 else 1000):
        print(line, flush=True)
