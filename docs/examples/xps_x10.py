"""Thickness of a film of Na3PO4 from attenuated lines (after Querel et al. 2021), on SIMULATED twins."""
# ruff: noqa: T201

from pathlib import Path

import xarray as xr
from matplotlib.figure import Figure

import surfspec as ss

REGIONS = ("Zr 3d", "Na 1s", "P 2p", "Si 2p")
LAYERS = {"film": "Na3PO4", "substrate": "Na3.4Zr2Si2.4P0.6O12"}


def fitted(sample: str) -> dict:
    file = ss.reference.path("xps_twins") / f"x10_{sample}.vms"
    raw = {region: ss.read(file, region=region) for region in REGIONS}
    zirconium = ss.xps.fit(raw["Zr 3d"], "Zr 3d", shift_search=4)
    moved = ss.xps.charge_correct(raw, zirconium, line="Zr 3d5/2", energy=182.40)
    return {region: ss.xps.fit(spectrum, region) for region, spectrum in moved.items()}


def analyse() -> tuple[dict[str, tuple[float, float]], Figure]:
    numbers, curves = {}, []
    bare = fitted("bare")
    for sample in ("uniform", "patchy"):
        fits = fitted(sample)
        for model in ("uniform", "patchy"):
            # the transmission of this spectrometer is known: kinetic energy ** -0.3
            film = ss.xps.thickness(fits, **LAYERS, model=model, bare_substrate=bare, transmission=-0.3)
            numbers[f"{sample} as {model}"] = (float(film.thickness), float(film.thickness_unc))
            numbers[f"{sample} as {model}, coverage"] = (float(film.coverage), float(film.coverage_unc))
            numbers[f"{sample} as {model}, mean"] = (float(film.mean_thickness), float(film.mean_thickness_unc))
            print(
                f"{sample:8} as {model:8} {float(film.thickness):.2f} +- {float(film.thickness_unc):.2f} nm,", end=" "
            )
            print(
                f"coverage {float(film.coverage):.2f} +- {float(film.coverage_unc):.2f}, {film.verdict.item()}", end=""
            )
            print(f" {film.reasons.item()}, chi-square {float(film.chi2):.1f} of {int(film.dof)}")
        likely = film.trial_chi2 < film.trial_chi2.min() + 3.84  # 95 %
        curves.append(film[["trial_thickness"]].where(likely))
    allowed = xr.concat(curves, "sample", combine_attrs="override").assign_coords(sample=["uniform", "patchy"])
    return numbers, ss.plot(allowed, variable="trial_thickness", along="trial_coverage", by="sample")


def main(folder: Path) -> dict[str, tuple[float, float]]:
    numbers, figure = analyse()
    ss.display.save_figure(figure, folder / "xps_x10", ["png"], dpi=150)
    return numbers


if __name__ == "__main__":
    main(Path())
