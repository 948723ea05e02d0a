"""Refinement of measured standards and of weighed mixtures: ``python -m benchmarks.xrd_standards FOLDER``.

FOLDER holds the measured patterns (``cpd_qarr/``, ``dara_precursor/``, ``formats/``, ...), which are not part of this
repository. One recipe for all: phases named, displacement free, textures where the data demand one.

Cells: NIST SRM 660c (LaB6, a = 4.156826(8) angstrom at 22.5 C). Which batch the two measured powders are is not known:
660 to 660c lie within 30 ppm. Corundum SRM 676a: a = 4.759091(1), c = 12.991779(4) angstrom; the measured
minerals are no SRM, their cells stand beside it.
Weights: Madsen et al. (2001) J. Appl. Cryst. 34, 409 and Scarlett et al. (2002) J. Appl. Cryst. 35, 383, and the
precursor masses in the names of the files of the Dara set. The figures of others are those of their own runs on the
same files, as far as they are known.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

import surfspec as ss
from benchmarks.xrd_truth import MIXTURES, MONOCHROMATOR, read

#: file -> (phase, certified or published lengths by axis in angstrom, free areas).
CELLS: dict[str, tuple[str, Mapping[str, float], bool]] = {
    "formats/LaB6_Jan2018.raw": ("LaB6", {"a": 4.156826}, True),
    "formats/LaB6_d500_si_psd.xye.bz2": ("LaB6", {"a": 4.156826}, True),
    "rruff/Corundum_R040096-1_Powder_RRUFF.txt": ("corundum", {"a": 4.759091, "c": 12.991779}, False),
    "rockjock/rockjock_CORUNDUM.xy": ("corundum", {"a": 4.759091, "c": 12.991779}, False),
    "rruff/Quartz_R040031-1_Powder_RRUFF.txt": ("quartz", {"a": 4.9134, "c": 5.4052}, False),
}
#: Weight fractions that others found on the same files, wt%.
OTHERS: dict[str, dict[str, Mapping[str, float]]] = {
    "cpd_qarr/cpd-1g.xy": {
        "Dara 1.1.12": {"corundum": 33.1, "ZnO": 32.7, "CaF2": 34.2},
        "GSAS-II": {"corundum": 32.3, "ZnO": 33.1, "CaF2": 34.6},
    },
    "cpd_qarr/cpd-1a.xy": {"GSAS-II": {"corundum": 1.3, "ZnO": 3.7, "CaF2": 95.1}},
    "cpd_qarr/cpd-4.xy": {
        "Dara 1.1.12": {"corundum": 74.5, "magnetite": 4.5, "ZrSiO4": 21.0},
        "GSAS-II": {"corundum": 76.3, "magnetite": 1.8, "ZrSiO4": 21.8},
    },
    "dara_precursor/Li2CO3_0p9001-ZrO2_0p1000--8min.xrdml": {"Dara 1.1.12": {"Li2CO3": 86.8, "ZrO2_m": 11.7}},
    "dara_precursor/TiO2_0p4009-ZnO_0p6010--8min.xrdml": {"Dara 1.1.12": {"TiO2": 37.0, "ZnO": 63.0}},
}


@dataclass(frozen=True)
class Row:
    """Weights of one mixture, wt%: truth, found, stated uncertainty, by true phase."""

    file: str
    truth: np.ndarray
    found: np.ndarray
    unc: np.ndarray
    names: tuple[str, ...]
    verdict: str
    reasons: str
    seconds: float

    @property
    def error(self) -> np.ndarray:
        """Found minus true, wt%."""
        return np.asarray(self.found - self.truth)


def standard(folder: Path, name: str) -> xr.Dataset:
    """Read a standard; points whose stated uncertainty is zero are no measurement and left out."""
    if name.endswith(".xye.bz2"):
        table = np.loadtxt(folder / name)
        table = table[(table[:, 2] > 0) & (table[:, 0] > 18.0)]
        return ss.spectrum(table[:, 0], table[:, 1], intensity_unc=table[:, 2], technique="XRD")
    return ss.read(folder / name, wavelength="CuKa", technique="XRD")


def cells(folder: Path) -> Iterator[str]:
    """Refine the standards and say how far their cells are from the certificate."""
    for name, (phase, certified, free) in CELLS.items():
        if not (folder / name).is_file():
            continue
        spectrum = standard(folder, name)
        start = time.perf_counter()
        fit = ss.xrd.refine(spectrum, phase, wavelength="CuKa", pawley=(phase,) if free else ())
        seconds = time.perf_counter() - start
        row = fit.sel(component=phase)
        parts = []
        for axis, value in certified.items():
            length, unc = float(row.cell_length.sel(axis=axis)), float(row.cell_length_unc.sel(axis=axis))
            other = float(row.zero_length.sel(axis=axis))
            parts.append(
                f"{axis} {length:.5f} +- {unc:.5f} ({1e6 * (length / value - 1.0):+.0f} ppm, "
                f"{(length - value) / unc:+.1f} standard uncertainties; {other:.5f} with a zero shift)"
            )
        yield (
            f"{seconds:5.2f} s  {name}: {phase} {', '.join(parts)}; R_wp {float(fit.r_wp):.1f} (expected "
            f"{float(fit.r_exp):.1f}) %, uncertainties widened {float(fit.inflation):.1f} times"
        )


def weights(folder: Path) -> Iterator[Row]:
    """Identify each mixture among its true phases (all polymorphs) and refine it from there."""
    for name, truth in MIXTURES.items():
        if not (folder / name).is_file():
            continue
        spectrum = read(folder, name)
        candidates = [one for ids in truth for one in ids]
        recipe = ss.xrd.Recipe(monochromator=MONOCHROMATOR.get(name.split("/", maxsplit=1)[0], 0.0))
        start = time.perf_counter()
        found = ss.xrd.match(spectrum, recipe, phases=candidates, wavelength="CuKa")
        middle = time.perf_counter()
        named = set(found.phase.values.tolist())
        if all(named & set(ids) for ids in truth):
            fit = ss.xrd.refine(spectrum, found)
        else:  # the match lost a true phase: refine those that the truth names
            fit = ss.xrd.refine(
                spectrum, [ids[0] for ids in truth], wavelength="CuKa", monochromator=recipe.monochromator
            )
        seconds = time.perf_counter() - middle
        share = {str(key): 100.0 * float(value) for key, value in
                 zip(fit.component.values, fit.weight_fraction.values, strict=True)}  # fmt: skip
        unc = {str(key): 100.0 * float(value) for key, value in
               zip(fit.component.values, fit.weight_fraction_unc.values, strict=True)}  # fmt: skip
        yield Row(
            name, np.array(list(truth.values())), np.array([sum(share.get(i, 0.0) for i in ids) for ids in truth]),
            np.array([np.sqrt(sum(unc.get(i, np.nan if i in share else 0.0) ** 2 for i in ids)) for ids in truth]),
            tuple("TiO2" if len(ids) > 1 else ids[0] for ids in truth), str(fit.verdict.values),
            str(fit.reasons.values), seconds,
        )  # fmt: skip
        print(f"{middle - start:5.2f} s match, {seconds:5.2f} s refine  {name}", file=sys.stderr)


def table(rows: list[Row]) -> Iterator[str]:
    """Lines of the table of weights, with what others found."""
    for row in rows:
        parts = [
            f"{name} {value:.2f} +- {unc:.2f} ({truth:.2f})"
            for name, value, unc, truth in zip(row.names, row.found, row.unc, row.truth, strict=True)
        ]
        note = "  MICROABSORPTION" if "microabsorption" in row.reasons else ""
        yield f"{row.seconds:5.2f} s  {row.file}: {', '.join(parts)}  [{row.verdict}]{note}"
        for who, theirs in OTHERS.get(row.file, {}).items():
            off = [theirs.get(name, np.nan) - truth for name, truth in zip(row.names, row.truth, strict=True)]
            theirs_error, ours = float(np.nanmean(np.abs(off))), float(np.mean(np.abs(row.error)))
            yield f"          {who}: mean |error| {theirs_error:.2f} wt%, here {ours:.2f}"
    for group, prefix in (("CPD sample 1", "cpd_qarr/cpd-1"), ("CPD sample 2", "cpd_qarr/cpd-2"),
                          ("CPD sample 4", "cpd_qarr/cpd-4"), ("Dara precursors", "dara_precursor/"),
                          ("iron oxides", "mixtures/")):  # fmt: skip
        own = [row for row in rows if row.file.startswith(prefix)]
        if own:
            error = np.concatenate([row.error for row in own])
            pull = error / np.concatenate([row.unc for row in own])
            yield (
                f"{group}: {len(error)} fractions, RMS {np.sqrt(np.mean(error**2)):.2f}, mean |error| "
                f"{np.mean(np.abs(error)):.2f}, largest {np.abs(error).max():.2f} wt%; pulls: RMS "
                f"{np.sqrt(np.nanmean(pull**2)):.2f}, largest {np.nanmax(np.abs(pull)):.2f}; median "
                f"{np.median([row.seconds for row in own]):.2f} s"
            )


def main() -> None:
    """Run what the command line asks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    asked = parser.parse_args()
    for line in cells(asked.folder):
        print(line, flush=True)
    for line in table(list(weights(asked.folder))):
        print(line, flush=True)


if __name__ == "__main__":
    main()
