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

TECHNIQUES = ("XPS", "LEIS", "joint", "XRD")
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
        yield from _joint(name, ours["joint"], known)
        for label, pattern in known["xrd"].items():
            yield from _xrd(f"{name} XRD {label}", ours["xrd"][label], pattern)


def _quantity(place: str, truth: float, ours: dict[str, Any] | None) -> Row:
    if ours is None or ours["value"] is None:
        return Row(place, truth, math.nan, math.nan)
    unc = ours["unc"]
    return Row(place, truth, float(ours["value"]), math.nan if unc is None else float(unc))


def _xps(name: str, ours: dict[str, Any], known: dict[str, Any]) -> Iterator[Row]:
    yield _quantity(f"{name} charge shift (eV)", known["charge_shift"], ours["charge_shift"])
    if ours["thickness"] is not None and ours["thickness_detail"]["model"] == "uniform" and known["coverage"] == 1:
        yield _quantity(f"{name} film thickness (nm)", known["thickness"], ours["thickness"])
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
    for one in ours["edge_thickness"][:1]:  # the truth is that before the beam
        yield _quantity(f"{name} LEIS edge thickness at {one['dose']:.1e}", known["thickness"], one)
    number = ours["monolayers"]["value"]
    yield Row(f"{name} LEIS monolayers", known["monolayers"], math.nan if number is None else number, math.nan)
    for one, other in zip(known["coverage"], ours["coverage"], strict=True):
        yield _quantity(f"{name} LEIS coverage at {one['dose']:.1e}", one["value"], other)
    for element, doses in known["normalised_area"].items():
        for one, other in zip(doses, ours["normalised_area"][element], strict=True):
            yield _quantity(f"{name} LEIS {element} at {one['dose']:.1e}", one["value"], other)


def _joint(name: str, ours: dict[str, Any], known: dict[str, Any]) -> Iterator[Row]:
    yield _quantity(f"{name} joint coverage", known["leis"]["zero_dose_coverage"], ours["coverage"])
    yield _quantity(f"{name} joint thickness", known["leis"]["thickness"], ours["thickness"])
    detail = ours.get("detail", {})
    sigma = detail.get("removal_cross_section")
    yield _quantity(f"{name} joint removal_cross_section", known["leis"]["removal_cross_section"], sigma)
    number = detail.get("monolayers", {}).get("value")
    yield Row(f"{name} joint monolayers", known["leis"]["monolayers"], math.nan if number is None else number, math.nan)


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
    every = list(rows(results, truth))
    for row in every:
        print(f"{row.place:66} {row.truth:12.6g} {row.ours:12.6g} {row.unc:10.3g} {row.pull:6.1f}")
    print(f"\n{'technique':12} {'numbers':>8} {'with pull':>10} {'rms pull':>9} {'beyond 3':>9}")
    for technique in TECHNIQUES:
        own = [row for row in every if technique_of(row) == technique]
        pulls = [row.pull for row in own if math.isfinite(row.pull)]
        rms = math.sqrt(sum(pull**2 for pull in pulls) / len(pulls)) if pulls else math.nan
        print(f"{technique:12} {len(own):8} {len(pulls):10} {rms:9.2f} {sum(abs(pull) > 3 for pull in pulls):9}")
    return 0


def technique_of(row: Row) -> str:
    """Return the technique that a number comes from."""
    return next((name for name in TECHNIQUES[1:] if f" {name} " in row.place), TECHNIQUES[0])


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: compare_with_truth.py results.json")
    sys.exit(main(sys.argv[1]))
