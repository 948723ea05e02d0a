"""Write the simulated twins of published XRD analyses: ``python make_xrd_twins.py [--output FOLDER]``.

One text file a pattern, with known truth. The same files come out on every run. The physics is in ``xrd_simulation/``
and, for counting noise and some structures, in ``nasicon_simulation/``; none of it uses surfspec.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from nasicon_simulation import files, noise
from nasicon_simulation.truth import rounded
from numpy.typing import NDArray
from xrd_simulation import patterns
from xrd_simulation.optics import Optics
from xrd_simulation.twins import HABITS, TWINS, Twin, density

Floats = NDArray[np.float64]

HERE = Path(__file__).resolve().parent

NOTES = """\
Everything here is simulated. A fit is compared with this file afterwards and is never tuned on it.
weight: fraction of the crystalline phases. cell: a, b, c (angstrom), alpha, beta, gamma (deg) of the phase as it is in
the file; it differs from the card on purpose. size nm, strain 1. share: highest point of the phase over the highest
point of the pattern (without background). over_noise: that highest point over the standard deviation of the counts
there. zero: added to 2 theta; displacement: times cos(theta), added (deg). Absent phases are not listed.
"""

README = """\
# Twins of published XRD analyses: SIMULATED

**Nothing here was measured.** The patterns are simulations with known truth, made by `../make_xrd_twins.py`; running it
again gives the same bytes. They stand in for analyses of these papers; no published pattern was digitised, and
amounts, cells, widths and counts are choices of the simulation.

| files | analysis |
| --- | --- |
| `d1_minor_zirconia.xy` | Li et al. (2022), fig. 1a: a minor phase beside the electrolyte |
| `d2_lead_on_electrolyte.xy` | the same paper, fig. 1e: lead on the electrolyte |
| `d3_after_sodium.xy` | fig. 2e: after molten sodium |
| `d4_annealed.xy`, `d4_control.xy` | fig. S6: is there sodium carbonate? The control holds some |
| `d5_x0.xy` ... `d5_x3.xy` | Wang et al. (2022), fig. S2: pellets, x = 0 to 0.3 |
| `d6_before.xy`, `d6_after.xy`, `d6_control.xy` | Cao et al. (2022), fig. 2a, Co K-alpha; the control has a new one |
| `d7_cathode_electrolyte.xy` | the same paper, fig. S17b: cathode and electrolyte |
| `d8_cathode.xy` | Wang et al. (2022), fig. 6a: cell of a cathode (its numbers are not in the paper's text: a choice) |
| `d9_pure.xy` | Querel et al. (2021), suppl. fig. 1: purity, Cu K-alpha1, steps of 0.033 deg |
| `truth.yaml` | every number that went in: compare with it after fitting, never tune on it |

On purpose not the functions of the usual fit: Voigt lines with unequal sides, axial divergence as a distribution of
angles, size and strain by phase, texture by March and Dollase about one axis a phase, few
crystallites in soft metals (log-normal scatter of lines), a weak K-beta line, humps of carbon or of a polymer film.
Left out: penetration of the beam, absorption contrast between grains, stacking faults, tails of the spectral lines,
surface roughness.
"""


class _Literal(str):
    """Text that YAML shows as a block."""


yaml.SafeDumper.add_representer(
    _Literal, lambda dumper, value: dumper.represent_scalar("tag:yaml.org,2002:str", str(value), style="|")
)


def expected(twin: Twin) -> tuple[Floats, Floats]:
    """Background and the curves of the phases, in counts."""
    return patterns.curves(twin.pattern, noise.stream(f"xrd twin grains {twin.stem}"))


def write(folder: Path, twin: Twin, floor: Floats, parts: Floats) -> None:
    """Write the pattern of one twin."""
    counts = noise.counts(floor + parts.sum(axis=0), f"xrd twin {twin.stem}")
    entries = {
        "technique": "XRD", "sample": twin.stem, "axis": "two_theta",
        "wavelength": f"{_stated(twin):.6f}", "wavelength_name": twin.radiation, "scans": "1",
        "intensity_unit": "counts",
    }  # fmt: skip
    rows = (f"{x:.3f}\t{n}" for x, n in zip(twin.pattern.two_theta, counts, strict=True))
    files.write(folder / f"{twin.stem}.xy", files.header(entries) + "\n".join(rows) + "\n")


def _stated(twin: Twin) -> float:
    """Wavelength of the header: K-alpha1, with the digits that the papers print for Cu (1.540598)."""
    return 1.540598 if twin.radiation == "CuKa1" else twin.pattern.optics.lines[0][0]


def known(twin: Twin, floor: Floats, parts: Floats) -> dict[str, Any]:
    """Truth of one twin."""
    total = floor + parts.sum(axis=0)
    phases: dict[str, Any] = {}
    for (name, weight), curve in zip(twin.weights.items(), parts, strict=True):
        top = int(np.argmax(curve))
        size, strain, texture = HABITS[name]
        crystal = twin.crystal(name)
        phases[name] = {
            "weight": weight,
            "cell": list(crystal.cell),
            "density": density(crystal),
            "size": size,
            "strain": strain,
            "texture": [list(texture.plane), texture.strength] if texture else "none",
            "share": float(curve[top] / (total - floor).max()),
            "over_noise": float(curve[top] / np.sqrt(total[top])),
            "strongest_two_theta": float(twin.pattern.two_theta[top]),
        }
    return {
        "row": twin.row, "says": twin.says, "radiation": twin.radiation, "zero": twin.zero,
        "displacement": twin.displacement, "phases": phases,
    }  # fmt: skip


def instrument(optics: Optics) -> dict[str, Any]:
    """Return what holds for all patterns."""
    return {
        "caglioti_uvw": list(optics.caglioti),
        "lorentz": optics.lorentz,
        "axial": optics.axial,
        "skew": optics.skew,
    }


def make(folder: Path) -> None:
    """Write all files into a folder."""
    curves = {twin.stem: expected(twin) for twin in TWINS}
    for twin in TWINS:
        write(folder, twin, *curves[twin.stem])
    head = {"simulated": True, "seed": noise.SEED, "notes": _Literal(NOTES)}
    found = {
        "instrument": instrument(TWINS[0].pattern.optics),
        "patterns": {one.stem: known(one, *curves[one.stem]) for one in TWINS},
    }
    text = yaml.safe_dump(
        {**rounded(head), **rounded(found)}, sort_keys=False, width=120, allow_unicode=True, default_flow_style=None
    )
    files.write(folder / "truth.yaml", f"# {files.LABEL}: what went into the patterns\n{text}")
    files.write(folder / "README.md", README)


def main() -> None:
    """Read the command line and write the twins."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=HERE / "xrd_twins", help="folder to write into")
    folder = parser.parse_args().output
    with np.errstate(all="raise", under="ignore"):
        make(folder)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"wrote {folder} ({size / 1e6:.2f} MB, simulated)")


if __name__ == "__main__":
    main()
