"""LEIS fits against simulated truth: ``python -m benchmarks.leis_truth FOLDER [--without PART] [--shared]``.

FOLDER holds ``truth.yaml`` and ``spectra/<sample>_area<spot>_dose<i>.csv`` of an independent Monte Carlo simulation of
3 keV 4He+ on Na3PO4 films on a NaSICON (two references, three films, a cross-section; three spots, four doses), and
``spectra/uniform_*.csv``, closed films counted well. All is simulated. Everything is fitted before the truth is opened.
``--without isotopes``, ``foot`` or ``interval`` leaves out a part of the model, to show what its neglect costs;
``--shared`` gives all spectra of a sample one resolution and one peak tail.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import yaml

import surfspec as ss
from surfspec import leis

Array = np.ndarray
ELEMENTS = ("O", "Na", "Si", "P", "Zr")
REFERENCES = ("ref_Na3PO4", "ref_NZSP")
SAMPLES = (*REFERENCES, "as_sintered", "annealed", "polished", "xsection")
FILMS = ("as_sintered", "annealed", "polished", "xsection")
CLOSED = ("ML2", "ML3", "ML4", "ML8")
DOSES = (1.6e15, 3.2e15, 4.8e15, 6.4e15)
SPOTS = (1, 2, 3)
#: Parts of the model that can be left out.
PARTS = ("isotopes", "foot", "interval")


@dataclass(frozen=True)
class Line:
    """One line of the table: what, how much, the goal."""

    what: str
    value: str
    goal: str = ""


@dataclass(frozen=True)
class Fitted:
    """All that was fitted, before any truth."""

    series: dict[str, xr.Dataset]
    normalised: dict[str, xr.Dataset]
    coverage: dict[str, xr.Dataset]
    closed: dict[str, xr.Dataset]
    thickness: dict[str, xr.Dataset]
    per_second: float


def read(path: Path) -> xr.Dataset:
    """Return one spectrum."""
    energy, counts = np.loadtxt(path, delimiter=",", skiprows=1).T
    return ss.spectrum(energy, counts, technique="LEIS", simulated="true")


def series(folder: Path, sample: str) -> xr.Dataset:
    """Return spots and doses of one sample."""
    spots = [
        ss.stack(
            [read(folder / "spectra" / f"{sample}_area{spot}_dose{i}.csv") for i in (1, 2, 3, 4)],
            "dose", DOSES, units="ions/cm2",
        )
        for spot in SPOTS
    ]  # fmt: skip
    return ss.stack(spots, "spot", list(SPOTS))


def fit_all(folder: Path, without: str, shared: tuple[str, ...]) -> Fitted:
    """Fit everything."""
    recipe = leis.Recipe(elements=ELEMENTS, isotopes=without != "isotopes", foot=without != "foot")
    data = {sample: series(folder, sample) for sample in SAMPLES}
    start = time.perf_counter()
    fits = {sample: leis.fit(one, recipe, shared=shared) for sample, one in data.items()}
    rate = len(SAMPLES) * len(SPOTS) * len(DOSES) / (time.perf_counter() - start)
    closed = {name: leis.fit(read(folder / "spectra" / f"uniform_{name}.csv"), recipe) for name in CLOSED}
    film, substrate = (fits[name] for name in REFERENCES)
    return Fitted(
        fits,
        {sample: leis.normalise(one, exclude=("Na",), force=True) for sample, one in fits.items()},
        {
            sample: leis.coverage(
                fits[sample], film=film, substrate=substrate, interval=without != "interval", force=True
            )
            for sample in FILMS
        },
        closed,
        {name: leis.thickness(one, film="Na3PO4", density=2.536) for name, one in closed.items()},
        rate,
    )


def truth_of(folder: Path) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Return the truth as a whole and its spectra by stem."""
    with (folder / "truth.yaml").open(encoding="utf-8") as text:
        whole = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    return whole, {entry["file"][:-4]: entry for entry in whole["spectra"]}


def grid(entries: dict[str, dict[str, Any]], sample: str, key: str) -> Array:
    """Return one number of the truth over (spot, dose[, element])."""

    def one(spot: int, i: int) -> Any:
        value = entries[f"{sample}_area{spot}_dose{i}"][key]
        return [value[name] for name in ELEMENTS] if isinstance(value, dict) else value

    return np.array([[one(spot, i) for i in (1, 2, 3, 4)] for spot in SPOTS], dtype=float)


def area_lines(fitted: Fitted, entries: dict[str, dict[str, Any]]) -> Iterator[Line]:
    """Normalised areas of single spectra, and how well their uncertainties hold."""
    errors, pulls = [], []
    for sample in SAMPLES:
        table = fitted.normalised[sample]
        value, unc = (
            table[name].transpose("spot", "dose", "element").values
            for name in ("spot_normalised_area", "spot_normalised_area_unc")
        )
        error = value - grid(entries, sample, "normalised_excl_Na")
        errors.append(error)
        seen = np.broadcast_to(table.detected.transpose("dose", "element").values == 1, error.shape)
        model = table.model_unc.transpose("dose", "element").values
        pulls.append(np.stack([error / unc, error / np.hypot(unc, model)])[:, seen])
        bias = ", ".join(f"{e} {b:+.3f}" for e, b in zip(ELEMENTS, np.nanmean(error, axis=(0, 1)), strict=True))
        yield Line(f"  bias, {sample}", bias)
    flat = np.abs(np.concatenate(errors))
    yield Line("normalised areas: mean error", f"{np.nanmean(flat):.4f}", "0.012")
    yield Line("normalised areas: worst of single spectra", f"{np.nanmax(flat):.3f}", "0.04")
    by_element = np.nanmax(flat.reshape(-1, len(ELEMENTS)), axis=0)
    yield Line("  worst by element", ", ".join(f"{e} {w:.3f}" for e, w in zip(ELEMENTS, by_element, strict=True)))
    both = np.concatenate(pulls, axis=1)
    yield Line("pulls by counting alone: width", f"{np.nanstd(both[0]):.2f}")
    yield Line("pulls with the uncertainty of the model: width", f"{np.nanstd(both[1]):.2f}", "0.7 to 1.3")


def instrument_lines(fitted: Fitted, whole: dict[str, Any], entries: dict[str, dict[str, Any]]) -> Iterator[Line]:
    """Offset, resolution and chi-square."""

    def over(name: str, sample: str) -> Array:
        return np.asarray(
            fitted.series[sample]["value"].sel(parameter=name).transpose("spot", "dose").values, dtype=float
        )

    offset = np.concatenate([over("offset", s) - grid(entries, s, "energy_offset_eV") for s in SAMPLES])
    yield Line("offset: mean, worst (eV)", f"{offset.mean():+.2f}, {np.abs(offset).max():.2f}", "3 at worst")
    width = np.concatenate([over("resolution", s) for s in SAMPLES]) / whole["instrument"]["fwhm_rel"] - 1.0
    yield Line("resolution: mean, worst", f"{width.mean():+.1%}, {np.abs(width).max():.1%}", "5 %")
    reduced = np.concatenate([np.ravel(one["reduced_chi2"].values) for one in fitted.series.values()])
    yield Line("reduced chi-square: mean, worst", f"{reduced.mean():.2f}, {reduced.max():.2f}")
    yield Line("spectra a second", f"{fitted.per_second:.0f}")


def film_lines(fitted: Fitted, whole: dict[str, Any], entries: dict[str, dict[str, Any]]) -> Iterator[Line]:
    """Coverage, removal, monolayers, thickness."""
    sigma = float(whole["removal_cross_section_cm2"])
    worst = []
    for sample in FILMS:
        table, truth = fitted.coverage[sample], grid(entries, sample, "coverage_Na3PO4")
        worst.append(np.abs(table.spot_coverage.transpose("spot", "dose").values - truth).max())
        mean = np.abs(table.coverage.values - truth.mean(axis=0)).max()
        yield Line(f"coverage, {sample}: worst of a spot, of a mean", f"{worst[-1]:.3f}, {mean:.3f}", "0.03")
        found, unc = float(table.removal_cross_section), float(table.removal_cross_section_unc)
        if np.isfinite(found):
            layers = f"{int(table.monolayers)}, not excluded {table.not_excluded.values!s}"
            yield Line(
                f"  removal, {sample} (1e-16 cm2)", f"{1e16 * found:.2f} +- {1e16 * unc:.2f}, truth {1e16 * sigma:.2f}",
                "10 %",
            )  # fmt: skip
            yield Line(f"  monolayers, {sample}", layers)
        else:
            yield Line(f"  removal, {sample}", "not determined")
    true_nm = {name: float(entries[f"uniform_{name}"]["mean_thickness_nm"]) for name in fitted.closed}
    for name, table in fitted.thickness.items():
        by = f"{float(table.thickness):.2f} +- {float(table.thickness_unc):.2f} by stopping"
        others = [other for other in fitted.closed if other != name]
        calibrated = leis.thickness(
            fitted.closed[name], film="Na3PO4", density=2.536,
            calibration=leis.calibrate_edge([fitted.closed[o] for o in others], [true_nm[o] for o in others]),
        )  # fmt: skip
        by_films = f"{float(calibrated.thickness):.2f} +- {float(calibrated.thickness_unc):.2f} by the other films"
        yield Line(f"thickness, {name} (nm)", f"{by}, {by_films}, truth {true_nm[name]:.2f}", "0.1")


def main(arguments: list[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.leis_truth", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--without", choices=PARTS, default="")
    parser.add_argument("--shared", action="store_true")
    options = parser.parse_args(arguments)
    fitted = fit_all(options.folder, options.without, ("resolution", "tail") if options.shared else ())
    whole, entries = truth_of(options.folder)
    print(f"SIMULATED data; {f'without {options.without}' if options.without else 'whole model'}")
    for line in (
        *area_lines(fitted, entries), *instrument_lines(fitted, whole, entries), *film_lines(fitted, whole, entries)
    ):  # fmt: skip
        print(f"{line.what:52}{line.value}{f'   (goal {line.goal})' if line.goal else ''}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
