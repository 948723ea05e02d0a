"""Rates of LEIS detection: ``python -m benchmarks.leis_detection FOLDER [--draws N] [--sets M]``.

FOLDER holds ``truth.yaml`` and ``spectra/<sample>_area<spot>_dose<i>_components.csv``, the expected counts of an
independent Monte Carlo simulation of 3 keV 4He+ on Na3PO4 films on a NaSICON (simulated). Poisson replicates are drawn
from them and fitted. On pure Na3PO4, which holds no Si or Zr, every detection is a false one; on the films the share
of spectra in which Si is detected is the power. Blanks are twelve other replicates of pure Na3PO4 (three areas, four
doses), or the eight of the areas that are not asked; from
one set of blanks to the next a rate scatters by 2 %. The truth is opened last.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import xarray as xr
import yaml

from surfspec import leis, spectra

RECIPE = leis.Recipe(elements=("O", "Na", "Si", "P", "Zr"))
ABSENT = ("Si", "Zr")
AREAS, DOSES = (1, 2, 3), (1, 2, 3, 4)
FILMS = ("as_sintered", "annealed")


def replicates(folder: Path, sample: str, draws: int, seed: int) -> xr.Dataset:
    """Fit `draws` Poisson replicates of each spectrum of a sample, dims (spot, dose, draw)."""
    rng, rows = np.random.default_rng(seed), []
    for area in AREAS:
        for dose in DOSES:
            file = folder / "spectra" / f"{sample}_area{area}_dose{dose}_components.csv"
            one = np.genfromtxt(file, delimiter=",", names=True)
            rows.append(rng.poisson(one["expected_total"], size=(draws, one.size)))
    counts = np.array(rows).reshape(len(AREAS), len(DOSES), draws, -1)
    series = spectra.spectrum(
        one["energy_eV"], counts, technique="LEIS", simulated="true", dims=("spot", "dose", "draw")
    )
    return leis.fit(series, RECIPE)


def said(name: str, detected: xr.DataArray) -> None:
    """Print the rate of each element with its binomial uncertainty."""
    count = detected.size // detected.sizes["element"]
    words = []
    for element in ABSENT:
        rate = float(detected.sel(element=element).mean())
        words.append(f"{element} {100 * rate:5.1f} +- {100 * np.sqrt(max(rate, 1 / count) / count):3.1f} %")
    print(f"  {name:46} {'   '.join(words)}")


def false_positives(film: xr.Dataset, sets: int) -> None:
    """Print how often Si and Zr are detected where they are not; with blanks the mean over `sets` sets of them."""
    sample = film.isel(draw=slice(sets, None))
    print(f"False positives at 0.05 on pure Na3PO4, {sample.chi2.size} simulated spectra, {sets} sets of blanks")
    for over in ("", "spot"):
        kind = "three areas together" if over else "single spectra"
        said(f"{kind}: likelihood alone", leis.detect(sample, elements=ABSENT, over=over).detected)
        for size in (0.005, 0.01):
            table = leis.detect(sample, elements=ABSENT, over=over, model_uncertainty=size)
            said(f"{kind}: model uncertainty {size:g}", table.detected)
        found = [
            leis.detect(sample, elements=ABSENT, over=over, blanks=dict.fromkeys(ABSENT, film.isel(draw=i))).detected
            for i in range(sets)
        ]
        said(f"{kind}: twelve blanks", xr.concat(found, "set", join="override"))
    others = []
    for i in range(sets):
        for spot in range(len(AREAS)):
            rest = film.isel(draw=i, spot=[k for k in range(len(AREAS)) if k != spot])
            one = sample.isel(spot=[spot])
            others.append(leis.detect(one, elements=ABSENT, blanks=dict.fromkeys(ABSENT, rest)).detected)
    said("single spectra: eight blanks of other areas", xr.concat(others, "set", join="override"))


def power(name: str, sample: xr.Dataset, film: xr.Dataset, entries: dict[str, dict]) -> None:  # type: ignore[type-arg]
    """Print how often Si is detected where it is, and how often limits hold."""
    keys = ("peak_area_counts", "peak_area_reionised_counts")
    grid = [[entries[f"{name}_area{a}_dose{d}"] for d in DOSES] for a in AREAS]
    share = np.array([[e["normalised_excl_Na"]["Si"] for e in row] for row in grid]).mean(axis=0)
    area = np.array([[sum(e[k]["Si"] for k in keys) for e in row] for row in grid])
    step = float(np.diff(sample.kinetic_energy.values[:2])[0])
    true = xr.DataArray(area * step, dims=("spot", "dose"))
    blanks = {"Si": film.isel(draw=0)}
    print(f"{name}: true shares of Si {' '.join(f'{one:.4f}' for one in share)}")
    for label, chosen in (("likelihood alone", None), ("twelve blanks", blanks)):
        for over in ("", "spot"):
            table = leis.detect(sample, elements=["Si"], blanks=chosen, over=over).sel(element="Si")
            rates = table.detected.mean([d for d in table.detected.dims if d != "dose"]).values
            print(f"  detected, {label:17} {'areas together' if over else 'single':15} {np.round(rates, 2)}")
    single = leis.detect(sample, elements=["Si"]).sel(element="Si")
    limit = single.area + 1.645 * single.area_unc
    held = (limit >= true).mean(("spot", "draw")).values
    print(f"  95 % limits, drawn for all spectra, that hold  {np.round(held, 3)}")


def main() -> None:
    """Fit the replicates and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--sets", type=int, default=4)
    options = parser.parse_args()
    film = replicates(options.folder, "ref_Na3PO4", options.draws + options.sets, 11)
    films = {name: replicates(options.folder, name, max(options.draws // 2, 2), 20 + i) for i, name in enumerate(FILMS)}
    false_positives(film, options.sets)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with (options.folder / "truth.yaml").open() as lines:
        entries = {one["file"][:-4]: one for one in yaml.load(lines, Loader=loader)["spectra"]}  # noqa: S506
    for name, sample in films.items():
        power(name, sample, film, entries)


if __name__ == "__main__":
    main()
