"""Write the simulated twins of published XPS analyses: ``python make_xps_twins.py [--output FOLDER]``.

One VAMAS file a sample, with known truth. The same files come out on every run. The physics is in ``xps_simulation/``
and, for counting noise, mean free paths and the file format, in ``nasicon_simulation/``; none of it uses surfspec.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from nasicon_simulation import files, noise, vamas
from nasicon_simulation.samples import BULK, FILM
from nasicon_simulation.truth import rounded
from xps_simulation import films, measuring, profiles, samples

HERE = Path(__file__).resolve().parent

NOTES = """\
Everything here is simulated. A fit is compared with this file afterwards and is never tuned on it.
Areas are counts eV over the infinite range, losses not counted; centers are true binding energies, that is after charge
correction; measured axis = true + charge_shift. normalised_area is area per second over that of Zr 3d5/2 (strongest
state) of the same sample, where it was measured. center is that of the Voigt part; maximum lies higher where a line is
asymmetric. In x5 the numbers named after levels are atomic fractions of the four elements. In x8 scale is against
"pristine". Units: eV, counts eV, counts eV/s, nm; fractions 1.
"""

README = """\
# Twins of published XPS analyses: SIMULATED

**Nothing here was measured.** The spectra are simulations with known truth, made by `../make_xps_twins.py`; running it
again gives the same bytes. They stand in for analyses of these papers, from whose text the energies were taken; no
published spectrum was digitised, and amounts, widths and charges are choices of the simulation.

| files | analysis |
| --- | --- |
| `x5_surface.vms`, `x5_section.vms` | Wang et al. (2022), fig. 4: surface and section; B 1s beside Zr 3d |
| `x6_absent.vms`, `x6_one_percent.vms`, `x6_three_percent.vms` | the same paper: is there reduced zirconium? |
| `x7_recycled.vms` | Cao et al. (2022), fig. S4: Sn(IV), Sn(0), Na KLL |
| `x8_pristine.vms`, `x8_contacted.vms`, `x8_altered.vms` | the same figure: is the shape the same after contact? |
| `x9_pristine.vms`, `x9_annealed.vms` | Li et al. (2022), fig. 2i and S5: carbonate before and after annealing |
| `x10_bare.vms`, `x10_uniform.vms`, `x10_patchy.vms` | Querel et al. (2021): a film of Na3PO4 on the electrolyte |
| `truth.yaml` | every number that went in: compare with it after fitting, never tune on it |

The analyses of Querel et al. of three samples (areas over Zr 3d5/2) have their twin in `../nasicon_study`.

As known of this spectrometer: Al K-alpha 1486.6 eV, monochromated; pass energy 20 eV, steps of 0.1 eV, 50 ms dwell, 30
to 80 scans; emission along the normal; transmission proportional to the kinetic energy to the power -0.3.

On purpose not the functions of the usual fit: losses begin with a delay and die away, where a Shirley background has a
step (`xps_simulation/measuring.py`); hydrocarbon C 1s is slightly asymmetric, the metal Sn clearly; levels slope; the
Auger line is no Gaussian. Left out: X-ray satellites, plasmons, shake-up, elastic scattering, differential charging.
"""


class _Literal(str):
    """Text that YAML shows as a block."""


yaml.SafeDumper.add_representer(
    _Literal, lambda dumper, value: dumper.represent_scalar("tag:yaml.org,2002:str", str(value), style="|")
)


def counted(sample: samples.Sample, name: str) -> list[profiles.Line]:
    """Return the lines of a region with the areas that were counted, not those per second."""
    seconds = samples.REGIONS[name].seconds
    return [replace(line, area=seconds * line.area) for line in sample.lines[name]]


def block(sample: samples.Sample, name: str) -> vamas.Block:
    """Simulate one region."""
    region = samples.REGIONS[name]
    lines = counted(sample, name)
    counts = noise.counts(
        measuring.expected(region, lines, sample.charge_shift), f"twin {sample.row} {sample.name} {name}"
    )
    species, transition = name.split()
    return vamas.Block(
        name=name,
        sample=f"{sample.row} {sample.name}",
        species=species,
        transition=transition,
        start=measuring.PHOTON_ENERGY - float(measuring.axis(region)[-1]),
        increment=measuring.STEP,
        counts=counts[::-1],
        dwell_time=measuring.DWELL_TIME,
        scans=region.scans,
    )


def write(folder: Path, sample: samples.Sample) -> None:
    """Write the regions of one sample into one VAMAS file."""
    text = vamas.text(
        [block(sample, name) for name in sample.lines],
        photon_energy=measuring.PHOTON_ENERGY,
        pass_energy=measuring.PASS_ENERGY,
        experiment="twins of published XPS analyses (SIMULATED)",
        comments=(files.LABEL, "simulated: true"),
    )
    files.write(folder / f"{sample.row}_{sample.name}.vms", text)


def region_truth(sample: samples.Sample, name: str, unit: float | None) -> dict[str, Any]:
    """Lines of a region as they went in."""
    lines = counted(sample, name)
    total = sum(line.area for line in lines)
    seconds = samples.REGIONS[name].seconds
    components: dict[str, Any] = {}
    for line in lines:
        components[line.name] = {
            "center": line.energy,
            "maximum": profiles.maximum(line),
            "fwhm": profiles.full_width(line),
            "area": line.area,
            "fraction": line.area / total,
        }
        if unit:
            components[line.name]["normalised_area"] = line.area / seconds / unit
    return {"scans": samples.REGIONS[name].scans, "area": total, "components": components}


def sample_truth(sample: samples.Sample) -> dict[str, Any]:
    """Everything about one sample."""
    zirconium = [line for lines in sample.lines.values() for line in lines if line.name == "Zr4+ Zr 3d5/2"]
    unit = zirconium[0].area if zirconium else None
    return {
        "file": f"{sample.row}_{sample.name}.vms",
        "charge_shift": sample.charge_shift,
        **sample.known,
        "regions": {name: region_truth(sample, name, unit) for name in sample.lines},
    }


def make(folder: Path) -> None:
    """Write all files into a folder."""
    known: dict[str, Any] = {}
    for sample in samples.SAMPLES:
        write(folder, sample)
        known.setdefault(sample.row, {})[sample.name] = sample_truth(sample)
    instrument = {
        "photon_energy": measuring.PHOTON_ENERGY,
        "transmission_exponent": films.TRANSMISSION,
        "mean_free_path": {
            level: {"Na3PO4": films.path(level, FILM), "electrolyte": films.path(level, BULK)}
            for level in films.SECTIONS
        },
    }
    head = {"simulated": True, "seed": noise.SEED, "notes": _Literal(NOTES), "instrument": instrument}
    text = yaml.safe_dump(
        {**rounded(head), **rounded(known)}, sort_keys=False, width=120, allow_unicode=True, default_flow_style=None
    )
    files.write(folder / "truth.yaml", f"# {files.LABEL}: what went into the spectra\n{text}")
    files.write(folder / "README.md", README)


def main() -> None:
    """Read the command line and write the twins."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=HERE / "xps_twins", help="folder to write into")
    folder = parser.parse_args().output
    with np.errstate(all="raise", under="ignore"):
        make(folder)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"wrote {folder} ({size / 1e6:.2f} MB, simulated)")


if __name__ == "__main__":
    main()
