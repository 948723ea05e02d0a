"""Small studies on disk, simulated with numpy alone, for the tests of study, report and command line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Region -> (low, high, background, [(centre, area)]), in eV and counts.
REGIONS: Mapping[str, tuple[float, float, float, list[tuple[float, float]]]] = {
    "Zr 3d": (176.0, 192.0, 900.0, [(182.40, 12000.0), (184.80, 8000.0)]),
    "Na 1s": (1063.0, 1080.0, 2500.0, [(1071.40, 9000.0)]),
    "P 2p": (126.0, 142.0, 800.0, [(133.10, 2400.0), (133.96, 1200.0)]),
}

STUDY = """\
study: two samples (SIMULATED)
samples:
  a: {xps: "a_{region}.csv"}
  b: {xps: "b_{region}.csv"}
xps:
  charge_reference: {line: Zr 3d5/2, energy: 182.40}
  normalise_to: Zr 3d5/2
  regions: [Zr 3d, Na 1s, P 2p]
"""


#: One sample, one region: for tests of what surrounds the fits.
SMALL = """\
study: small
samples:
  a: {xps: "a_{region}.csv"}
xps:
  regions: [Na 1s]
"""


def region_counts(region: str, shift: float, seed: int, factor: float = 1.0) -> tuple[Array, Array]:
    """Simulate one region: Gaussian peaks of 1.5 eV on a constant level, Poisson noise, scale shifted by `shift` eV."""
    low, high, level, peaks = REGIONS[region]
    energy = np.arange(low, high, 0.1)
    sigma = 1.5 / 2.3548
    mean = np.full(energy.size, level)
    for centre, area in peaks:
        scale = factor if region != "Zr 3d" else 1.0
        mean += scale * area * np.exp(-0.5 * ((energy - centre - shift) / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
    return energy, np.random.default_rng(seed).poisson(mean).astype(float)


def text_file(path: Path, x: Array, y: Array, **header: object) -> Path:
    """Write a text table with `# key: value` lines."""
    lines = [f"# {key}: {value}" for key, value in header.items()]
    path.write_text(
        "\n".join([*lines, *(f"{a:.4f},{b:g}" for a, b in zip(x, y, strict=True))]) + "\n", encoding="utf-8"
    )
    return path


def xps_study(folder: Path, study: str = STUDY) -> Path:
    """Write samples a and b (b has twice the Na and P of a) and their study file; return its path."""
    for seed, (sample, shift, factor) in enumerate((("a", 1.1, 1.0), ("b", 1.7, 2.0))):
        for number, region in enumerate(REGIONS):
            x, y = region_counts(region, shift, 10 * seed + number, factor)
            text_file(
                folder / f"{sample}_{region.replace(' ', '')}.csv", x, y,
                technique="XPS", region=region, sample=sample, axis="binding_energy", intensity_unit="counts",
                photon_energy=1486.6, dwell_time=0.05, scans=1, simulated="true",
            )  # fmt: skip
    path = folder / "study.yaml"
    path.write_text(study, encoding="utf-8")
    return path
