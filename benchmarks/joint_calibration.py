"""What the joint estimate of a film is worth: ``python -m benchmarks.joint_calibration [COUNT]``.

Films of known truth are drawn from the equations of the joint model by ``tests/joint/film_tables.py``, which holds no
line of the package, and estimated by the public function. A pull is (value - truth) over its uncertainty, that of the
cross-section of its logarithm and without the error of the dose scale, which is not drawn. Same seeds, same table.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import joint

Array = NDArray[np.float64]

#: Relative error of the dose scale that the estimate is told of; it is not drawn, and taken out of the pulls.
DOSE_SCALE: Final = 0.15
QUANTITIES: Final = ("coverage", "thickness", "removal_cross_section")


def oracle() -> Any:
    """Return the module that draws the tables."""
    path = Path(__file__).resolve().parents[1] / "tests" / "joint" / "film_tables.py"
    spec = importlib.util.spec_from_file_location("film_tables", path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["film_tables"] = module
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class Case:
    """A kind of film: its name, and coverage, layers and cross-section of one draw."""

    name: str
    draw: Callable[[np.random.Generator], tuple[float, int, float]]


def _any(rng: np.random.Generator) -> tuple[float, int, float]:
    return rng.uniform(0.4, 1.0), int(rng.integers(1, 6)), float(np.exp(rng.normal(np.log(2e-16), 0.4)))


CASES: Final = (
    Case("2 layers on 0.85", lambda _: (0.85, 2, 2.5e-16)),
    Case("3 layers on 0.70", lambda _: (0.70, 3, 3e-16)),
    Case("closed, 2 layers", lambda _: (1.0, 2, 2.5e-16)),
    Case("any: 1 to 5 on 0.4 to 1", _any),
)


def pulls_of(found: xr.Dataset, true: Any) -> Array:
    """Return the pulls of coverage, thickness and logarithm of the cross-section; NaN where not determined."""
    sigma, unc = float(found["removal_cross_section"]), float(found["removal_cross_section_unc"])
    own = np.sqrt(max((unc / sigma) ** 2 - DOSE_SCALE**2, 1e-12))
    return np.array([
        (float(found["coverage"]) - true.coverage) / float(found["coverage_unc"]),
        (float(found["thickness"]) - true.thickness) / float(found["thickness_unc"]),
        np.log(sigma / true.sigma) / own,
    ])  # fmt: skip


def measure(case: Case, count: int, make: Any) -> str:
    """Return the lines of one kind of film."""
    rng = np.random.default_rng(2026)
    pulls, tables, began = [], [], time.process_time()
    right = []
    for _ in range(count):
        true = make.film(rng, *case.draw(rng))
        drawn = make.coverages(rng, true), make.thicknesses(rng, true), make.attenuation(rng, true)
        found = joint.film(*drawn[:2], xps=drawn[2], dose_scale_unc=DOSE_SCALE)
        tables.append(found)
        pulls.append(pulls_of(found, true))
        right.append(str(true.layers) in str(found["not_excluded"].values).split(", "))
    lines = [f"{case.name}   ({(time.process_time() - began) / count:.2f} s each)"]
    for name, values in zip(QUANTITIES, np.array(pulls).T, strict=True):
        good = values[np.isfinite(values)]
        rms, inside = float(np.sqrt(np.mean(good**2))), [float(np.mean(np.abs(good) < k)) for k in (1, 2, 3)]
        within = ", ".join(f"{100 * one:.0f}" for one in inside)
        lines.append(
            f"  {name:22} {good.size:4d} known   pull {np.mean(good):+.2f} rms {rms:.2f}   within 1, 2, 3: {within} %"
        )
    words = [str(found["agreement"].values) for found in tables]
    shapes = [str(found["film_shape"].values) for found in tables]
    told = {word: words.count(word) for word in ("agree", "cannot tell", "disagree")}
    seen = {word: shapes.count(word) for word in ("closed", "patches", "cannot tell")}
    lines.append(f"  agreement {told}   probability {_below(tables, 'agreement_p_value')}")
    lines.append(f"  chi-square: probability {_below(tables, 'p_value')}")
    lines.append(f"  shape {seen}   true layers not excluded: {100 * np.mean(right):.0f} %")
    return "\n".join(lines)


def _below(tables: list[xr.Dataset], name: str) -> str:
    values = np.array([float(found[name]) for found in tables])
    good = values[np.isfinite(values)]
    return (
        f"below 0.05: {100 * np.mean(good < 0.05):.1f} % of {good.size}, below 0.01: {100 * np.mean(good < 0.01):.1f} %"
    )


def main(arguments: list[str]) -> None:
    """Measure all kinds of film."""
    count, make = int(arguments[0]) if arguments else 300, oracle()
    for case in CASES:
        print(measure(case, count, make), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
