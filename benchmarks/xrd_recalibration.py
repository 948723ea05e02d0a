"""Fit the map of log-odds, judge it on others: ``python -m benchmarks.xrd_recalibration --develop FILE --held FILE``.

The files hold rows that ``benchmarks.xrd_calibration --csv`` kept, of the develop and of the held-out seeds.
``--keep`` names questions whose probabilities stay those of the model. ``--write STATE`` puts the maps and the
reliability of held-out mixtures into ``reference_spectra/tables``, with their provenance; without it nothing is
written. Held-out rows are judged, never fitted.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.xrd_calibration import (
    BINS,
    CONSIDERED,
    Row,
    brier,
    calibration_error,
    columns,
    load,
    reliability,
    sets_of,
)
from surfspec.xrd.matching.calibrated import Calibration, fit
from surfspec.xrd.matching.frequencies import NAMED as LEFT_OUT

TABLES = Path(__file__).resolve().parent.parent / "reference_spectra" / "tables"
QUESTIONS = ("named", "candidate", "unknown")


def question_of(row: Row) -> str:
    """Return what a row answers: is a named phase there, one that was considered and left out, or an unknown one?

    Empty for candidates that were not considered: there is nothing to map.
    """
    if row.kind == "unknown":
        return "unknown"
    return ("named" if row.named else "candidate") if row.named or row.model >= CONSIDERED else ""


def fitted(rows: Sequence[Row], keep: Sequence[str] = ()) -> dict[str, Calibration]:
    """Fit the maps; the two modes of one sample are not independent, so each claim counts half.

    Questions to `keep` have the map that changes nothing.
    """
    maps = {}
    for question in QUESTIONS:
        own = [row for row in rows if question_of(row) == question]
        if question in keep:
            maps[question] = Calibration(0.0, 1.0, claims=len(own))
            continue
        modes = len({row.mode for row in own})
        maps[question] = fit([row.logit for row in own], [row.either for row in own], weight=[1.0 / modes] * len(own))
    return maps


def raw(rows: Sequence[Row]) -> list[Row]:
    """Rows with the probabilities of the model, before any map."""
    return [dataclasses.replace(row, probability=row.model) for row in rows]


def mapped(rows: Sequence[Row], maps: dict[str, Calibration]) -> list[Row]:
    """Rows with calibrated probabilities as a match states them, but for its cap where most is unexplained."""
    least = float(maps["candidate"].probability(np.log(CONSIDERED / (1.0 - CONSIDERED))))
    found = []
    for row in rows:
        question = question_of(row)
        if not question:
            new = row.model * least / CONSIDERED
        else:
            share = row.model / row.presence if row.presence > 0 else 0.0
            new = float(maps[question].probability(row.logit)) * share
            new = min(new, LEFT_OUT) if question == "candidate" else new
        found.append(dataclasses.replace(row, probability=new))
    return found


def compared(before: Sequence[Row], maps: dict[str, Calibration]) -> str:
    """Calibration of each set, raw and mapped."""
    lines = ["set                        n     ECE raw  mapped   Brier raw  mapped"]
    for name, own in sets_of(before):
        if own:
            pair = (raw(own), mapped(own, maps))
            values = [measure(*columns(rows)) for measure in (calibration_error, brier) for rows in pair]
            lines.append(
                f"{name:24} {len(own):6d} {values[0]:9.3f} {values[1]:7.3f} {values[2]:11.4f} {values[3]:7.4f}"
            )
    return "\n".join(lines)


def write(maps: dict[str, Calibration], judged: Sequence[Row], develop: str, held: str, state: str) -> None:
    """Write the maps and the reliability of held-out rows into the tables of the package."""
    head = (
        f"# SIMULATED: from random simulated mixtures (reference_spectra/xrd_simulation), no measurement.\n"
        f"# Made by benchmarks/xrd_calibration.py and xrd_recalibration.py of matches by the state {state}.\n"
        f"# Maps fitted on seeds {develop}; reliability judged on seeds {held}, which nothing was fitted on.\n"
    )
    lines = [
        head + "# probability = 1 / (1 + exp(-(intercept + slope * log-odds))), see surfspec.xrd.matching.calibrated"
    ]
    lines.append("question,intercept (1),slope (1),var_intercept (1),covariance (1),var_slope (1),claims (1)")
    for question, one in maps.items():
        numbers = (one.intercept, one.slope, *one.covariance)
        lines.append(f"{question}," + ",".join(f"{value:.6g}" for value in numbers) + f",{one.claims}")
    (TABLES / "xrd_calibration.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    lines = [head + "# Share of claims that were true, by stated probability, before (raw) and after (mapped) the map."]
    lines.append("state,set,bin (1),mean_probability (1),share_present (1),share_unc (1),claims (1)")
    for kind in ("raw", "mapped"):
        for name, rows in sets_of(judged):
            own = mapped(rows, maps) if kind == "mapped" else raw(rows)
            if "all candidates" not in name and own:
                lines += [
                    f"{kind},{name},{min(int(p * BINS), BINS - 1)},{p:.4f},{share:.4f},{unc:.4f},{n:.0f}"
                    for p, share, unc, n in reliability(*columns(own))
                ]
    (TABLES / "xrd_reliability.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def span(rows: Sequence[Row]) -> str:
    """Number of samples, first and last seed."""
    seeds = {row.seed for row in rows}
    return f"{min(seeds)} to {max(seeds)} ({len(seeds)} samples)"


def main() -> None:
    """Fit, judge and, if asked, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--develop", type=Path, nargs="+", required=True)
    parser.add_argument("--held", type=Path, nargs="+", default=[])
    parser.add_argument("--keep", nargs="*", choices=QUESTIONS, default=[])
    parser.add_argument("--write", metavar="STATE", help="write the tables; STATE is the commit that made the rows")
    options = parser.parse_args()
    develop = [row for path in options.develop for row in load(path)]
    maps = fitted(develop, options.keep)
    for question, one in maps.items():
        unc = np.sqrt([one.covariance[0], one.covariance[2]])
        print(
            f"{question}: intercept {one.intercept:+.3f} +- {unc[0]:.3f}, slope {one.slope:.3f} +- {unc[1]:.3f}, "
            f"{one.claims} claims"
        )
    print("fitted on these (optimistic):", compared(develop, maps), sep="\n")
    if options.held:
        held = [row for path in options.held for row in load(path)]
        print("held out:", compared(held, maps), sep="\n")
        if options.write:
            write(maps, held, span(develop), span(held), options.write)


if __name__ == "__main__":
    main()
