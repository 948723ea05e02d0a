"""Stated uncertainties against the scatter of replicates: ``python -m benchmarks.calibration [COUNT]``.

Simulated Poisson counts on peaks of known parameters are fitted by the public solver; a pull is (value - truth) over
its uncertainty. A line gives the verdicts, and what the fits that are ``ok`` are worth; beside it the share that would
be ``ok`` if the error bars alone were asked and not the deviance without an amplitude. Same seeds, same table.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace

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
    """What became of the replicates of a case; widths, means and bias are of the fits that are ok.

    `bars` is the share that is ok by the error bars alone; `wrong` and `bars_wrong` are the shares of all replicates
    that are ok and have a value three uncertainties or more from the truth.
    """

    verdicts: dict[str, float]
    wrong: float
    bars: float
    bars_wrong: float
    widths: np.ndarray
    means: np.ndarray
    bias: np.ndarray

    def row(self, name: str) -> str:
        """Return a line of the table."""
        shares = [*(self.verdicts[v] for v in ("ok", "check", "failed")), self.wrong, self.bars, self.bars_wrong]
        text = f"{name:<34} " + " ".join(f"{100 * share:8.1f}" for share in shares)
        if not np.all(np.isfinite(self.widths)):
            return f"{text}   too few"
        worst = self.means[np.argmax(np.abs(self.means))]
        bias = " ".join(f"{100 * b:+.1f}" for b in self.bias)
        return f"{text}   {self.widths.min():.2f}-{self.widths.max():.2f} {worst:+6.2f}   {bias}"


def outcome(case: Case, count: int, seed: int = 0) -> Outcome:
    """Fit `count` replicates of a case and compare them with its truth."""
    bound = problem(*case.peaks, level=case.truth["level"])
    values, solutions = replicates(bound, case.truth, count, seed)
    verdicts = [judge(one)[0] for one in solutions]
    ok = np.array([v == "ok" for v in verdicts])
    bars = np.array([judge(replace(one, replaceable=()))[0] == "ok" for one in solutions])
    free = np.array([p.vary for p in bound.parameters])
    areas = np.array([p.name.endswith("area") for p in bound.parameters])
    fitted = np.array([one.values for one in solutions])
    with np.errstate(divide="ignore", invalid="ignore"):
        pulls = (fitted - values) / np.array([one.uncertainties for one in solutions])
    wrong = np.any(np.abs(pulls[:, free]) > 3, axis=1)
    many = np.count_nonzero(ok) >= 10
    none = np.full(areas.size, np.nan)
    return Outcome(
        verdicts={v: verdicts.count(v) / count for v in ("ok", "check", "failed")},
        wrong=float(np.mean(ok & wrong)),
        bars=float(np.mean(bars)),
        bars_wrong=float(np.mean(bars & wrong)),
        widths=(pulls[ok].std(axis=0) if many else none)[free],
        means=(pulls[ok].mean(axis=0) if many else none)[free],
        bias=(fitted[ok].mean(axis=0) / values - 1 if many else none)[areas],
    )


def table(count: int) -> Iterator[str]:
    """Yield the lines, one a case."""
    yield f"{count} replicates each; shares of all in %; of those that are ok: pulls, and bias of the areas in %"
    heads = ("ok", "check", "failed", "ok+wrong", "by bars", "b.+wrong")
    yield f"{'':<34} " + " ".join(f"{head:>8}" for head in heads) + f"   {'widths':<9} {'mean':>6}   bias"
    for case in (*SOUND, *CLOSE, *FAINT):
        yield outcome(case, count).row(case.name)


if __name__ == "__main__":
    for line in table(int(sys.argv[1]) if len(sys.argv) > 1 else 1000):
        print(line, flush=True)
