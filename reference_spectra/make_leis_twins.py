"""Write the simulated twins of LEIS analyses: ``python make_leis_twins.py [--output FOLDER]``.

Surface against bulk, a cleaved cross-section, films of known thickness and an area scan, with known truth. The same
files come out on every run. The physics is in ``leis_simulation/`` and, for kinematics, cross-sections, surface peaks
and counting noise, in ``nasicon_simulation/``; none of it uses surfspec.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from leis_simulation import depth, spectra, stopping, vamas_ions
from nasicon_simulation import files, ions, leis, noise, truth
from nasicon_simulation.samples import FILM, REMOVAL

HERE = Path(__file__).resolve().parent

NOTES = """\
Everything here is simulated. A fit is compared with this file afterwards and is never tuned on it.
area is that of the peaks of the first layer, tail included, counts eV; second_layer that of ions of the second layer
that were never neutralised, which lie under the peaks, and in no other number here. normalised_area is area over the
sum without Na. shares: parts of the surface under so many film layers; coverage: those under one or more, averaged
over the spectrum's own dose interval. Centres of the Gaussian parts of the peaks lie at elastic energy +
energy_offset, their maxima at elastic energy + maximum_offset. edge: energy by which the in-depth signal of Zr under a
closed film lies below the elastic energy, re-ionisation included, of ions from the first layer of the electrolyte (its
centre). Units: eV, eV/nm, counts eV, ions/cm2, nm, mm; fractions 1.
"""

README = """\
# Twins of LEIS analyses: SIMULATED

**Nothing here was measured.** The spectra are simulations with known truth, made by `../make_leis_twins.py`; running it
again gives the same bytes. They stand in for analyses of Querel et al., Chemical tuning of NaSICON surfaces (2021),
whose doses, ion, energy and angle they have (3 keV 4He+, 145 degrees); no published spectrum was digitised, and
amounts, widths and intensities are choices of the simulation.

| files | analysis |
| --- | --- |
| `surface.csv`, `profile_cycle01.csv` ... | fig. 3a: surface at 8e14 ions/cm2, then 15 cycles of sputtering by argon |
| `cross_section_area1_dose1.csv` ... | fig. 3b: a cleaved pellet, three areas, four doses; joins those of the study |
| `overlayer_0ml.csv` ..., `film_pellet.csv` | films of 0 to 8 monolayers of Na3PO4, and a pellet of it, counted well |
| `area_scan.vms` | 8 x 8 spots whose coverage differs (VAMAS, technique ISS, places as variables) |
| `truth.yaml` | every number that went in: compare with it after fitting, never tune on it |

Surface peaks are those of `../nasicon_study`: its three samples and the cross-section can stand in one figure. What
lies under the peaks has more physics than there: electronic stopping by composition, energy lost in passing,
shoulders by a depth integral through film and electrolyte with cross-sections at the actual energies, two collisions in
a row of all pairs of elements in three dimensions (angles and azimuth) with three and more as a factor, and ions of the
second layer that were not neutralised. None of it has the functional form of the usual fit. Against the study the
intensities below the peaks differ; areas of the peaks do not.

Left out: collision-induced neutralisation and thresholds of re-ionisation by element, roughness, channelling, hydrogen
and carbon on the surface, implanted argon, preferential sputtering other than of sodium, dead time.
"""


class _Literal(str):
    """Text that YAML shows as a block."""


yaml.SafeDumper.add_representer(
    _Literal, lambda dumper, value: dumper.represent_scalar("tag:yaml.org,2002:str", str(value), style="|")
)


def counted(spectrum: spectra.Spectrum) -> np.ndarray:
    """Draw the counts of a spectrum."""
    return noise.counts(spectrum.expected(), f"leis twin {spectrum.stem}")


def write_csv(folder: Path, spectrum: spectra.Spectrum) -> None:
    """Write one spectrum as text."""
    entries = {
        "technique": "LEIS",
        "sample": spectrum.sample,
        "axis": "kinetic_energy",
        "ion": "4He",
        "ion_energy": "3000",
        "scattering_angle": "145",
        "dose": f"{spectrum.dose:.1e}",
        "intensity_unit": "counts",
    }
    files.csv(folder / f"{spectrum.stem}.csv", entries, spectrum.axis, counted(spectrum), 0)


def write_scan(folder: Path, scan: list[spectra.Spectrum]) -> None:
    """Write the area scan as VAMAS."""
    blocks = [
        vamas_ions.Block(
            name=one.stem,
            x=one.known["x"],
            y=one.known["y"],
            start=float(one.axis[0]),
            increment=one.step,
            counts=counted(one),
        )
        for one in scan
    ]
    text = vamas_ions.text(
        blocks,
        sample="area scan",
        experiment="area scan of a patchy film (SIMULATED)",
        comments=(files.LABEL, "simulated: true"),
    )
    files.write(folder / "area_scan.vms", text)


def known(spectrum: spectra.Spectrum) -> dict[str, Any]:
    """Return everything about one spectrum."""
    areas = spectrum.areas()
    total = sum(area for element, area in areas.items() if element != "Na")
    return {
        **spectrum.known,
        "dose": spectrum.dose,
        "gain": spectrum.gain,
        "coverage": spectrum.covered,
        "shares": dict(spectrum.shares),
        "area": areas,
        "second_layer": spectrum.second_layer(),
        "normalised_area": {element: area / total for element, area in areas.items()},
    }


def edge(layers: int) -> float:
    """Distance of the in-depth signal of Zr under film layers from its elastic energy [eV]."""
    factor = leis.peak_energy("Zr") / ions.ENERGY
    hit = np.maximum(factor * depth.arrival(layers) - depth.REIONISATION, 100.0)
    out = depth.leave(hit, layers)
    centre = layers * FILM.monolayer
    return factor * ions.ENERGY - float(np.interp(centre, depth.DEPTH, out))


def instrument() -> dict[str, Any]:
    """Return what holds for all spectra."""
    return {
        "ion": "4He",
        "ion_energy": ions.ENERGY,
        "scattering_angle": 145.0,
        "resolution_fwhm": 2.3548 * leis.RESOLUTION,
        "acceptance_fwhm_deg": 2.3548 * float(np.rad2deg(leis.ACCEPTANCE)),
        "tail": leis.TAIL,
        "monolayer": FILM.monolayer,
        "removal_cross_section": REMOVAL,
        "reionisation_loss": depth.REIONISATION,
        "second_layer_survival": depth.SECOND_LAYER,
        "stopping_film": {
            "electronic_3000eV": float(stopping.electronic(FILM, ions.ENERGY)),
            "passing_3000eV": float(stopping.nuclear(FILM, ions.ENERGY)),
        },
    }


def make(folder: Path) -> None:
    """Write all files into a folder."""
    surface, section, films, scan = spectra.surface(), spectra.section(), spectra.overlayers(), spectra.area_scan()
    for spectrum in (*surface, *section, *films):
        write_csv(folder, spectrum)
    write_scan(folder, scan)
    overlayers = {one.stem: known(one) for one in films}
    for one in films[:-1]:
        overlayers[one.stem]["edge"] = edge(int(one.known["monolayers"]))
    found = {
        "surface": {**truth.offsets(spectra.OFFSET), "spectra": {one.stem: known(one) for one in surface}},
        "cross_section": {
            **truth.offsets(spectra.SECTION.energy_offset),
            "spectra": {one.stem: known(one) for one in section},
        },
        "overlayers": {**truth.offsets(spectra.OFFSET), "spectra": overlayers},
        "area_scan": {
            **truth.offsets(spectra.OFFSET),
            "spots": [{**one.known, "coverage": one.covered, "area": one.areas()} for one in scan],
        },
    }
    head = {"simulated": True, "seed": noise.SEED, "notes": _Literal(NOTES), "instrument": instrument()}
    text = yaml.safe_dump(
        {**truth.rounded(head), **truth.rounded(found)},
        sort_keys=False,
        width=120,
        allow_unicode=True,
        default_flow_style=None,
    )
    files.write(folder / "truth.yaml", f"# {files.LABEL}: what went into the spectra\n{text}")
    files.write(folder / "README.md", README)


def main() -> None:
    """Read the command line and write the twins."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=HERE / "leis_twins", help="folder to write into")
    folder = parser.parse_args().output
    with np.errstate(all="raise", under="ignore"):
        make(folder)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"wrote {folder} ({size / 1e6:.2f} MB, simulated)")


if __name__ == "__main__":
    main()
