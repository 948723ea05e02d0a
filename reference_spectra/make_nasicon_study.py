"""Write the simulated NASICON study: ``python make_nasicon_study.py [--output FOLDER]``.

A twin of the XPS and LEIS measurements on NaSICON pellets of Querel et al. (2021) and of the diffraction patterns of
Na-wetted pellets of Li et al. (2022), simulated from published numbers with known truth. The same files come out on
every run. The physics is in ``nasicon_simulation/``, beside this script, and uses nothing of surfspec.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from nasicon_simulation import files, leis, noise, samples, truth, vamas, xps, xrd

HERE = Path(__file__).resolve().parent

STUDY = """\
# SIMULATED study: a twin of published measurements with known truth (truth.yaml). Not a measurement.
study: NASICON surfaces (SIMULATED)
samples:
  as_sintered:
    xps: xps/as_sintered.vms
    leis:
      files: "leis/as_sintered_area{spot}_dose{dose}.csv"
      dose: {1: 1.6e+15, 2: 3.2e+15, 3: 4.8e+15, 4: 6.4e+15}
    xrd: {before: xrd/as_sintered_before.xrdml, after: xrd/as_sintered_after.xrdml}
  polished:
    xps: "xps/polished_{region}.csv"
    leis:
      files: "leis/polished_area{spot}_dose{dose}.csv"
      dose: {1: 1.6e+15, 2: 3.2e+15, 3: 4.8e+15, 4: 6.4e+15}
    xrd: {before: xrd/polished_before.xy, coated: xrd/polished_coated.xy, after: xrd/polished_after.xy}
  annealed:
    xps: "xps/annealed_{region}.csv"
    leis:
      files: "leis/annealed_area{spot}_dose{dose}.csv"
      dose: {1: 1.6e+15, 2: 3.2e+15, 3: 4.8e+15, 4: 6.4e+15}
    xrd: {before: xrd/annealed_before.xye, after: xrd/annealed_after.xy}
xps:
  charge_reference: {line: Zr 3d5/2, energy: 182.40}
  normalise_to: Zr 3d5/2
  regions: [Zr 3d, Na 1s, P 2p, C 1s, O 1s, Si 2p]
  thickness: {film: Na3PO4, substrate: Na3.4Zr2Si2.4P0.6O12}
leis:
  ion: 4He
  energy: 3000        # eV
  angle: 145          # deg
  elements: [O, Na, Si, P, Zr]
  normalise: {exclude: [Na]}
  coverage:
    film: Na3PO4
    substrate: Na3.4Zr2Si2.4P0.6O12
    references:
      film: "leis/ref_Na3PO4_area{spot}_dose{dose}.csv"
      substrate: "leis/ref_NZSP_area{spot}_dose{dose}.csv"
xrd:
  wavelength: CuKa1
  elements: [Na, Zr, Si, P, O, Pb]
"""

NOTES = """\
Everything here is simulated. A fit is compared with this file afterwards and is never tuned on it.
xps: true Voigt lines; doublets with statistical (2j+1) area ratios; background = constant + background_step * integral
of all lines at lower binding energy. Areas are counts eV over the infinite range; centers are true binding energies,
that is after charge correction; measured axis = true + charge_shift. normalised_area is a ratio of count rates
(area / scans, dwell time is common), because the regions were measured with different numbers of scans. The film is
patchy with coverage and thickness as given; carbon attenuates nothing; no elastic scattering.
leis: peaks = isotopes weighted by abundance, each a Gaussian convolved with an exponential towards low energy (decay
length tail); areas are those of whole peaks, tail included (sum of counts times the step of 5 eV). The centres of the
Gaussians lie at elastic energy + energy_offset, the maxima of the peaks lower, at elastic energy + maximum_offset. The
shoulder is a depth integral (curved, an edge for each number of film layers), the plural-scattering foot a cubic ending
900 eV above the elastic energy, the recoil tail an exponential: on purpose not the functions of the usual fit model.
Coverage of a spectrum is the average over its own dose interval; dose is the cumulated dose at its end. Sodium is lost
preferentially, from film and electrolyte alike, without changing the other peaks. normalised_area has the sum without
Na as denominator.
xrd: homogeneous thick mixtures without microabsorption or texture, kinematic intensities, Ge (111) monochromator in the
incident beam (2 theta 27.28 deg). Angles are shifted by zero_shift + displacement_cos_theta * cos(theta).
Units: eV, counts eV (areas), ions/cm2, cm2, nm, angstrom, deg; survival and fractions 1;
cross_section angstrom2/sr; stopping eV/nm at 3 keV.
"""


README = """\
# NASICON surfaces: a SIMULATED study

**Nothing here was measured.** The spectra are simulations made from published numbers, with known truth, by
`../make_nasicon_study.py`; running it again gives the same bytes. They stand in for the measurements of

* Querel et al., "Chemical tuning of NaSICON surfaces for fast-charging Na metal solid-state batteries" (2021): XPS
  and LEIS of pellets as sintered, polished, and polished and annealed;
* Li et al., a Pb/C interlayer on Na3Zr2Si2PO12 (2022): diffraction before and after molten sodium.

The samples are twins of the kinds of sample in those papers, not of the papers' spectra: no published spectrum was
digitised, and one pellet here carries out what different pellets did there.

| file | what |
| --- | --- |
| `study.yaml` | the study: `surfspec run study.yaml -o DIR` |
| `truth.yaml` | every number that went in: compare with it after fitting, never tune on it |
| `xps/` | six core levels a sample: one VAMAS file, or one CSV a region (rising or falling axis) |
| `leis/` | three areas times four doses a sample, and of two reference materials; 3 keV 4He+, 145 degrees |
| `xrd/` | patterns before and after sodium, and with lead: .xrdml, .xy, .xye, one of them with decimal commas |

What the simulation leaves out: X-ray satellites, plasmon and shake-up losses, elastic scattering of photoelectrons,
charge broadening that differs between regions; matrix effects of neutralisation, ions of the second layer that were not
neutralised, collision-induced neutralisation, the change of composition that preferential sputtering brings with it
(only the sodium peak falls); texture, microabsorption, coarse grains, and the layered order of coating and pellet in
diffraction.
"""


class _Literal(str):
    """Text that YAML shows as a block."""


yaml.SafeDumper.add_representer(
    _Literal, lambda dumper, value: dumper.represent_scalar("tag:yaml.org,2002:str", str(value), style="|")
)


def write_xps(folder: Path, sample: samples.Sample) -> None:
    """Write one VAMAS file for the as-sintered sample, one CSV a region for the others."""
    blocks = []
    for region in xps.REGIONS:
        axis = xps.axis(region)
        counts = noise.counts(xps.expected(sample, region), f"xps {sample.name} {region.name}")
        if sample.name == "as_sintered":
            species, transition = region.name.split()
            start = xps.PHOTON_ENERGY - float(axis[-1])
            blocks.append(
                vamas.Block(
                    name=region.name,
                    sample=sample.name,
                    species=species,
                    transition=transition,
                    start=start,
                    increment=xps.STEP,
                    counts=counts[::-1],
                    dwell_time=xps.DWELL_TIME,
                    scans=region.scans,
                )
            )
            continue
        entries = {
            "technique": "XPS",
            "region": region.name,
            "sample": sample.name,
            "axis": "binding_energy",
            "photon_energy": f"{xps.PHOTON_ENERGY}",
            "pass_energy": f"{xps.PASS_ENERGY:g}",
            "dwell_time": f"{xps.DWELL_TIME}",
            "scans": f"{region.scans}",
            "intensity_unit": "counts",
        }
        order = slice(None, None, -1) if sample.name == "annealed" else slice(None)
        name = f"{sample.name}_{region.name.replace(' ', '')}.csv"
        files.csv(folder / "xps" / name, entries, axis[order], counts[order], 2)
    if blocks:
        text = vamas.text(
            blocks,
            photon_energy=xps.PHOTON_ENERGY,
            pass_energy=xps.PASS_ENERGY,
            experiment="NASICON surfaces (SIMULATED)",
            comments=(files.LABEL, "simulated: true"),
        )
        files.write(folder / "xps" / f"{sample.name}.vms", text)


def write_leis(folder: Path, name: str, label: str, spectra: dict[tuple[int, int], leis.Simulated]) -> None:
    """Write the spectra of one sample or reference, three areas times four doses."""
    for (spot, dose), spectrum in spectra.items():
        stem = f"{name}_area{spot}_dose{dose}"
        entries = {
            "technique": "LEIS",
            "sample": label,
            "axis": "kinetic_energy",
            "ion": "4He",
            "ion_energy": "3000",
            "scattering_angle": "145",
            "dose": f"{leis.DOSES[dose - 1]:.1e}",
            "intensity_unit": "counts",
        }
        files.csv(folder / "leis" / f"{stem}.csv", entries, leis.AXIS, noise.counts(spectrum.expected, stem), 0)


def write_xrd(folder: Path, pattern: xrd.Pattern) -> None:
    """Write one powder pattern in the format that its name asks for."""
    counts = noise.counts(xrd.expected(pattern), f"xrd {pattern.name}")
    path = folder / "xrd" / pattern.filename
    if path.suffix == ".xrdml":
        files.xrdml(path, pattern.sample, counts)
        return
    entries = {
        "technique": "XRD",
        "sample": pattern.sample,
        "axis": "two_theta",
        "wavelength": f"{xrd.WAVELENGTH}",
        "wavelength_name": "CuKa1",
        "dwell_time": "3",
        "scans": "1",
        "intensity_unit": "counts",
    }
    files.xy(path, entries, counts, sigma=path.suffix == ".xye", comma=pattern.name == "annealed_after")


def make(folder: Path) -> None:
    """Write all files of the study into a folder."""
    keys = [(spot, dose) for spot in leis.SPOTS for dose in range(1, len(leis.DOSES) + 1)]
    known: dict[str, Any] = {"samples": {}, "leis_instrument": truth.leis_instrument(), "leis_references": {}}
    for sample in samples.SAMPLES:
        write_xps(folder, sample)
        spectra = {
            (spot, dose): leis.sample_spectrum(sample, spot, dose, truth.spot_gain(sample.name, spot))
            for spot, dose in keys
        }
        write_leis(folder, sample.name, sample.name, spectra)
        patterns = [pattern for pattern in xrd.PATTERNS if pattern.sample == sample.name]
        for pattern in patterns:
            write_xrd(folder, pattern)
        known["samples"][sample.name] = {
            "xps": truth.xps_truth(sample),
            "leis": truth.leis_truth(sample, spectra),
            "xrd": {pattern.label: truth.xrd_truth(pattern) for pattern in patterns},
        }
    for name, material, offset in truth.REFERENCES:
        spectra = {
            (spot, dose): leis.reference_spectrum(material, offset, dose, truth.spot_gain(f"ref_{name}", spot))
            for spot, dose in keys
        }
        write_leis(folder, f"ref_{name}", f"reference {name}", spectra)
        known["leis_references"][name] = {**truth.offsets(offset), **truth.leis_series(f"ref_{name}", spectra)}
    head = {"simulated": True, "seed": noise.SEED, "notes": _Literal(NOTES)}
    text = yaml.safe_dump(
        {**head, **truth.rounded(known)}, sort_keys=False, width=120, allow_unicode=True, default_flow_style=None
    )
    files.write(folder / "truth.yaml", f"# {files.LABEL}: what went into the spectra\n{text}")
    files.write(folder / "study.yaml", STUDY)
    files.write(folder / "README.md", README)


def main() -> None:
    """Read the command line and write the study."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=HERE / "nasicon_study", help="folder to write into")
    folder = parser.parse_args().output
    with np.errstate(all="raise", under="ignore"):
        make(folder)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"wrote {folder} ({size / 1e6:.2f} MB, simulated)")


if __name__ == "__main__":
    main()
