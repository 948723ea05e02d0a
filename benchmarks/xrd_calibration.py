"""Do probabilities of phases mean what they say? ``python -m benchmarks.xrd_calibration --seeds develop``.

Random mixtures with known truth come from ``reference_spectra/xrd_simulation`` (simulated, without a line of the
package): four chemistries, one to four phases, amounts over two decades, texture, coarse grains, moved cells and
atoms, shifts, line shapes of other kinds, humps, and in 40 % of the samples a phase that is kept from the candidates.
Each is identified with its elements given (and those of air) and blind (every card). Collected are the probability of
each candidate with whether it is there, that of an unknown phase, weights, limits.

``--seeds develop`` (1000 to 1299) is for looking and for fitting a map of probabilities; ``--seeds held-out`` (5000 to
5299) is for the final figures. ``--without NAME`` turns a nuisance off, ``--only NAME`` all others.
``--csv FILE`` keeps the rows, ``--read FILE`` prints the figures of kept rows; ``--skip`` and ``--count`` choose seeds.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import itertools
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

import surfspec as ss

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "reference_spectra"))
from xrd_simulation import mixtures  # a folder of scripts, no package

Array = NDArray[np.float64]

SPLITS = {"develop": range(1000, 1300), "held-out": range(5000, 5300)}
MODES = ("elements", "blind")
BINS = 10
#: Candidates less probable than this were not considered: they stand for the phases that the search dropped.
CONSIDERED = 1e-3
EDGES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.5, 1.01)


@dataclass(frozen=True)
class Row:
    """One candidate of one trial, or (``kind`` "unknown") the question whether an unknown phase is there.

    ``probability`` is what the match states, ``model`` what it had before calibration; ``presence`` is that of the
    phase or its look-alike, with ``either`` for whether one of them is there.
    """

    seed: int
    mode: str
    chemistry: str
    kind: str
    phase: str
    probability: float
    present: int
    named: int
    weight: float
    found_weight: float
    found_unc: float
    limit: float
    unknown: str
    unexplained: float
    seconds: float
    model: float
    presence: float
    either: int

    @property
    def logit(self) -> float:
        """Log-odds of the model's probability that the phase or its look-alike is there, kept within 20."""
        p = min(max(self.presence, 2e-9), 1 - 2e-9)
        return float(np.log(p / (1 - p)))


def identify(sample: mixtures.Sample, mode: str) -> tuple[xr.Dataset, float]:
    """Match one sample; the seconds exclude the simulation."""
    x, counts = sample.counts()
    spectrum = ss.spectrum(x, counts.astype(float), technique="XRD", simulated="true")
    cards = ss.xrd.phases(sample.candidates(blind=mode == "blind"))
    recipe = ss.xrd.Recipe(monochromator=sample.pattern.optics.monochromator)
    start = time.perf_counter()
    found = ss.xrd.match(spectrum, recipe, phases=cards, wavelength=sample.radiation)
    return found, time.perf_counter() - start


def trial(seed: int, nuisances: Sequence[str] = mixtures.NUISANCES, modes: Sequence[str] = MODES) -> list[Row]:
    """Draw one sample and ask for its phases in every mode."""
    sample = mixtures.draw(seed, nuisances=nuisances)
    known = sum(share for name, share in sample.weights.items() if name != sample.unknown)
    rows = []
    for mode in modes:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found, seconds = identify(sample, mode)
        shared = {
            "seed": seed, "mode": mode, "chemistry": sample.chemistry, "unknown": sample.unknown, "seconds": seconds,
            "unexplained": float(found.attrs.get("unexplained_share", np.nan)),
        }  # fmt: skip
        named = {str(name): i for i, name in enumerate(found["phase"].values)}
        for i, name in enumerate(map(str, found["candidate"].values)):
            probability, there = float(found["candidate_probability"][i]), name in sample.weights
            if name in named:
                probability = float(found["probability"][named[name]])
            at = named.get(name, -1)
            rival = str(found["rival"].values[at]) if at >= 0 else ""
            model = float(found["model_probability"][at] if at >= 0 else found["candidate_model_probability"][i])
            rows.append(
                Row(
                    kind="candidate", phase=name, probability=probability, present=int(there), named=int(at >= 0),
                    weight=sample.weights.get(name, 0.0) / known if known else 0.0,
                    found_weight=float(found["weight_fraction"][at]) if at >= 0 else np.nan,
                    found_unc=float(found["weight_fraction_unc"][at]) if at >= 0 else np.nan,
                    limit=float(found["detection_limit"][i]), model=model,
                    presence=float(found["model_presence"][at]) if at >= 0 else model,
                    either=int(there or rival in sample.weights), **shared,
                )
            )  # fmt: skip
        strange = sample.weights.get(sample.unknown, 0.0)
        doubt = float(found["unknown_model_probability"])
        rows.append(
            Row(
                kind="unknown", phase="", probability=float(found["unknown_probability"]), present=int(strange > 0),
                named=0, weight=strange, found_weight=np.nan, found_unc=np.nan, limit=np.nan, model=doubt,
                presence=doubt, either=int(strange > 0), **shared,
            )
        )  # fmt: skip
    return rows


def run(
    seeds: Iterable[int], nuisances: Sequence[str] = mixtures.NUISANCES, modes: Sequence[str] = MODES,
    workers: int = 1, path: Path | None = None,
) -> list[Row]:  # fmt: skip
    """Run all trials; with a path the rows so far are kept after each."""
    seeds = list(seeds)
    found: list[Row] = []
    if workers <= 1:
        for seed in seeds:
            new = trial(seed, nuisances, modes)
            if path is not None:
                save(new, path, more=bool(found))
            found += new
        return found
    with ProcessPoolExecutor(workers) as pool:
        count = len(seeds)
        for new in pool.map(trial, seeds, [nuisances] * count, [modes] * count):
            if path is not None:
                save(new, path, more=bool(found))
            found += new
    return found


def reliability(probability: Array, present: Array, bins: int = BINS) -> Array:
    """Rows (mean probability, share present, its binomial standard uncertainty, count) of the bins that hold any."""
    index = np.minimum((probability * bins).astype(int), bins - 1)
    table = []
    for one in range(bins):
        own = index == one
        if n := int(own.sum()):
            share = float(present[own].mean())
            # Agresti and Coull: not zero at the ends
            eased = (present[own].sum() + 2) / (n + 4)
            table.append((float(probability[own].mean()), share, float(np.sqrt(eased * (1 - eased) / (n + 4))), n))
    return np.array(table).reshape(-1, 4)


def calibration_error(probability: Array, present: Array, bins: int = BINS) -> float:
    """Mean of |share present - mean probability| over bins, weighted by their counts."""
    table = reliability(probability, present, bins)
    return float(np.sum(table[:, 3] * np.abs(table[:, 0] - table[:, 1])) / table[:, 3].sum()) if len(table) else np.nan


def largest_error(probability: Array, present: Array, bins: int = BINS, least: int = 10) -> float:
    """Largest |share present - mean probability| of the bins that hold at least `least` claims."""
    table = reliability(probability, present, bins)
    kept = table[table[:, 3] >= least]
    return float(np.max(np.abs(kept[:, 0] - kept[:, 1]))) if len(kept) else np.nan


def brier(probability: Array, present: Array) -> float:
    """Mean square of probability minus outcome."""
    return float(np.mean((probability - present) ** 2)) if len(present) else np.nan


def boot(measure: Callable[[Array, Array], float], rows: Sequence[Row], seed: int = 1, times: int = 200) -> float:
    """Return the standard deviation of a measure when whole samples are drawn again."""
    rng = np.random.default_rng(seed)
    groups: dict[int, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.seed, []).append(row)
    keys = list(groups)
    values = []
    for _ in range(times):
        chosen = [row for key in rng.choice(keys, len(keys)) for row in groups[int(key)]]
        values.append(measure(*columns(chosen)))
    return float(np.std(values))


def columns(rows: Sequence[Row]) -> tuple[Array, Array]:
    """Probabilities and outcomes."""
    return np.array([row.probability for row in rows]), np.array([float(row.present) for row in rows])


def sets_of(rows: Sequence[Row]) -> Iterator[tuple[str, list[Row]]]:
    """What is judged: named phases, phases that were considered, all candidates, unknown phases."""
    for mode in (*MODES, "all"):
        own = [row for row in rows if mode in (row.mode, "all")]
        phases = [row for row in own if row.kind == "candidate"]
        if not phases:
            continue
        yield f"{mode}: named", [row for row in phases if row.named]
        yield f"{mode}: considered", [row for row in phases if row.model >= CONSIDERED]
        yield f"{mode}: all candidates", phases
        yield f"{mode}: unknown", [row for row in own if row.kind == "unknown"]


def summary(rows: Sequence[Row]) -> str:
    """Calibration of every set, then what was claimed, missed, limited and weighed."""
    lines = ["set                        n   present   mean p   ECE           worst bin   Brier    sharpness"]
    for name, own in sets_of(rows):
        if own:
            p, y = columns(own)
            lines.append(
                f"{name:24} {len(own):6d} {y.mean():8.3f} {p.mean():8.3f}   {calibration_error(p, y):.3f} +- "
                f"{boot(calibration_error, own, times=50):.3f} {largest_error(p, y):8.3f} {brier(p, y):10.4f} "
                f"{np.var(p):10.4f}"
            )
    for mode in dict.fromkeys(row.mode for row in rows):
        own = [row for row in rows if row.mode == mode]
        lines += ["", *claims(own, mode), *detection(own, mode), *weights(own, mode)]
    return "\n".join(lines)


def claims(rows: Sequence[Row], mode: str) -> list[str]:
    """False claims by whether an unknown phase is there; exact sets; time."""
    lines = []
    for strange in (False, True):
        own = [row for row in rows if bool(row.unknown) == strange and row.kind == "candidate"]
        trials = len({row.seed for row in own})
        false = [row for row in own if row.named and not row.present]
        wrong = {row.seed for row in own if row.named != row.present}
        visible = {row.seed for row in own if row.present and not row.named and row.weight > row.limit}
        word = "with an unknown phase" if strange else "all phases in the list"
        lines.append(
            f"{mode}, {word}: {trials} samples, exact set {trials - len(wrong)}, false claims {len(false)} in "
            f"{len({row.seed for row in false})} samples, above p = 0.9 {sum(row.probability > 0.9 for row in false)}, "
            f"a phase above its limit missed in {len(visible)}"
        )
    unknown = [row for row in rows if row.kind == "unknown"]
    caught = [row.probability > 0.5 for row in unknown if row.present]
    alarms = [row.probability > 0.5 for row in unknown if not row.present]
    lines.append(
        f"{mode}: unknown phases said in {sum(caught)} of {len(caught)}, said where none is in {sum(alarms)} of "
        f"{len(alarms)}"
    )
    seconds = np.array([row.seconds for row in unknown])
    lines.append(f"{mode}: median {np.median(seconds):.2f} s, 95 % {np.quantile(seconds, 0.95):.2f} s")
    return lines


def detection(rows: Sequence[Row], mode: str) -> list[str]:
    """Share of true phases that are named, by weight fraction; how often limits hold."""
    present = [row for row in rows if row.kind == "candidate" and row.present]
    words = []
    for low, high in itertools.pairwise(EDGES):
        own = [row for row in present if low <= row.weight < high]
        if own:
            words.append(f"{low:g}-{min(high, 1.0):g}: {np.mean([row.named for row in own]):.2f} ({len(own)})")
    missed = [row for row in present if not row.named and np.isfinite(row.limit)]
    above = [row for row in present if np.isfinite(row.limit) and row.weight > row.limit]
    held = np.mean([row.weight <= row.limit for row in missed]) if missed else np.nan
    seen = np.mean([row.named for row in above]) if above else np.nan
    return [
        f"{mode}: named by weight fraction  " + "  ".join(words),
        f"{mode}: of {len(missed)} missed phases {held:.2f} are below their limit; above it {seen:.2f} are named",
    ]


def weights(rows: Sequence[Row], mode: str) -> list[str]:
    """Errors and pulls of weight fractions where the named set is the true one."""
    wrong = {row.seed for row in rows if row.kind == "candidate" and row.named != row.present} | {
        row.seed for row in rows if row.unknown
    }
    own = [row for row in rows if row.named and row.seed not in wrong and row.weight < 1.0]
    if not own:
        return []
    error = np.array([row.found_weight - row.weight for row in own])
    pull = error / np.array([row.found_unc for row in own])
    pull = pull[np.isfinite(pull)]
    line = (
        f"{mode}: weights of {len(own)} phases in exact sets: mean |error| {100 * np.mean(np.abs(error)):.2f} wt%, "
        f"pulls: mean {np.mean(pull):+.2f}, robust sd {1.4826 * np.median(np.abs(pull - np.median(pull))):.2f}, "
        f"|pull| < 2 in {np.mean(np.abs(pull) < 2):.2f}"
    )
    return [line]


def table(rows: Sequence[Row]) -> str:
    """Reliability of the considered phases, bin by bin."""
    lines = []
    for name, own in sets_of(rows):
        if "all cand" in name or not own:
            continue
        lines.append(name)
        for mean, share, unc, count in reliability(*columns(own)):
            lines.append(f"   p {mean:.3f}   present {share:.3f} +- {unc:.3f}   n {count:.0f}")
    return "\n".join(lines)


def save(rows: Sequence[Row], path: Path, *, more: bool = False) -> None:
    """Keep rows, under a line that says that they are simulated; or `more` rows at the end of a file."""
    with path.open("a" if more else "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [one.name for one in dataclasses.fields(Row)])
        if not more:
            file.write("# SIMULATED DATA: phase identification on random simulated mixtures\n")
            writer.writeheader()
        writer.writerows(dataclasses.asdict(row) for row in rows)


def load(path: Path) -> list[Row]:
    """Read kept rows."""
    with path.open(encoding="utf-8", newline="") as file:
        table = csv.DictReader(line for line in file if not line.startswith("#"))
        kinds = {one.name: {"int": int, "float": float, "str": str}[str(one.type)] for one in dataclasses.fields(Row)}
        return [Row(**{key: kinds[key](value) for key, value in row.items()}) for row in table]


def main() -> None:
    """Run what the command line asks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", choices=list(SPLITS), default="develop")
    parser.add_argument("--skip", type=int, default=0)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--modes", nargs="+", choices=MODES, default=list(MODES))
    parser.add_argument("--without", nargs="*", choices=mixtures.NUISANCES, default=[])
    parser.add_argument("--only", nargs="*", choices=mixtures.NUISANCES)
    parser.add_argument("--csv", type=Path)
    parser.add_argument("--read", type=Path, nargs="+")
    options = parser.parse_args()
    if options.read:
        rows = [row for path in options.read for row in load(path)]
    else:
        acting = mixtures.NUISANCES if options.only is None else tuple(options.only)
        acting = tuple(one for one in acting if one not in options.without)
        seeds = list(SPLITS[options.seeds])[options.skip :][: options.count]
        rows = run(seeds, acting, options.modes, options.workers, options.csv)
        print(f"simulated mixtures, seeds {seeds[0]} to {seeds[-1]}, nuisances: {', '.join(acting) or 'none'}")
    print(summary(rows), table(rows), sep="\n\n")


if __name__ == "__main__":
    main()
