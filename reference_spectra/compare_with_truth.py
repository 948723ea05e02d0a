"""Print every number of the simulated study beside its truth: ``compare_with_truth.py results.json``.

The truth file is opened here and nowhere in the analysis.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

FOLDER = Path(__file__).resolve().parent / "nasicon_study"


class Row(NamedTuple):
    """One number: its place, the truth, ours and our standard uncertainty (NaN where not stated)."""

    place: str
    truth: float
    ours: float
    unc: float

    @property
    def pull(self) -> float:
        """Difference in standard uncertainties."""
        return (self.ours - self.truth) / self.unc if self.unc > 0 else math.nan


def rows(results: dict[str, Any], truth: dict[str, Any]) -> Iterator[Row]:
    """Yield a row for every number that both files have."""
    for name, ours in results["samples"].items():
        known = truth["samples"][name]
        yield from _xps(name, ours["xps"], known["xps"])
        yield from _leis(name, ours["leis"], known["leis"])
        for label, pattern in known["xrd"].items():
            yield from _xrd(f"{name} XRD {label}", ours["xrd"][label], pattern)


def _quantity(place: str, truth: float, ours: dict[str, Any] | None) -> Row:
    if ours is None or ours["value"] is None:
        return Row(place, truth, math.nan, math.nan)
    unc = ours["unc"]
    return Row(place, truth, float(ours["value"]), math.nan if unc is None else float(unc))


def _xps(name: str, ours: dict[str, Any], known: dict[str, Any]) -> Iterator[Row]:
    yield _quantity(f"{name} charge shift (eV)", known["charge_shift"], ours["charge_shift"])
    for region, level in known["regions"].items():
        auger = sum(c["normalised_area"] for line, c in level["components"].items() if line.endswith("KLL"))
        want = level["normalised_area"] - auger
        yield _quantity(f"{name} {region} area / Zr 3d5/2", want, ours["normalised_area"][region])
        fitted = list(ours["components"][region].items())
        for (line, component), (label, found) in zip(level["components"].items(), fitted, strict=True):
            where = f"{name} {region} {line} ({label})"
            yield _quantity(f"{where} center (eV)", component["center"], found["center"])
            yield _quantity(f"{where} fwhm (eV)", component["fwhm"], found["fwhm"])
            yield _quantity(f"{where} fraction", component["fraction"], found["fraction"])


def _leis(name: str, ours: dict[str, Any], known: dict[str, Any]) -> Iterator[Row]:
    for key in ("zero_dose_coverage", "removal_cross_section", "thickness"):
        yield _quantity(f"{name} LEIS {key}", known[key], ours[key])
    number = ours["monolayers"]["value"]
    yield Row(f"{name} LEIS monolayers", known["monolayers"], math.nan if number is None else number, math.nan)
    for one, other in zip(known["coverage"], ours["coverage"], strict=True):
        yield _quantity(f"{name} LEIS coverage at {one['dose']:.1e}", one["value"], other)
    for element, doses in known["normalised_area"].items():
        for one, other in zip(doses, ours["normalised_area"][element], strict=True):
            yield _quantity(f"{name} LEIS {element} at {one['dose']:.1e}", one["value"], other)


def _xrd(place: str, ours: dict[str, Any], known: dict[str, Any]) -> Iterator[Row]:
    formulas = {p["space_group"].replace(" ", ""): p for p in ours["phases"]}
    for card, phase in known["phases"].items():
        found = formulas.pop(phase["space_group"].replace(" ", ""), None)
        quantity = None if found is None else {"value": found["weight_fraction"], "unc": found["weight_fraction_unc"]}
        yield _quantity(f"{place} {card} weight fraction", phase["weight_fraction"], quantity)
    for extra in formulas.values():
        yield Row(f"{place} {extra['name']} (not there) weight fraction", 0.0, extra["weight_fraction"], math.nan)


def main(path: str) -> int:
    """Print the table for one results file."""
    results = json.loads(Path(path).read_text(encoding="utf-8"))
    truth = yaml.safe_load((FOLDER / "truth.yaml").read_text(encoding="utf-8"))
    print(f"{'SIMULATED study':66} {'truth':>12} {'ours':>12} {'unc':>10} {'pull':>6}")
    for row in rows(results, truth):
        print(f"{row.place:66} {row.truth:12.6g} {row.ours:12.6g} {row.unc:10.3g} {row.pull:6.1f}")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: compare_with_truth.py results.json")
    sys.exit(main(sys.argv[1]))
