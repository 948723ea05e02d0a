"""A background that never crosses the data (Querel et al. 2021, methods), on the SIMULATED study of that paper."""
# ruff: noqa: T201

from dataclasses import replace
from pathlib import Path

from matplotlib.figure import Figure

import surfspec as ss


def analyse() -> tuple[dict[str, tuple[float, float]], Figure]:
    file = ss.reference.path("nasicon_study") / "xps" / "as_sintered.vms"
    numbers, fits = {}, {}
    for region in ("Zr 3d", "P 2p"):
        spectrum = ss.read(file, region=region)
        for preset in ("noise_aware", "avantage", "strict"):
            background = ss.xps.Background("smart", {"preset": preset})
            fit = ss.xps.fit(spectrum, replace(ss.xps.load_recipe(region), background=background), shift_search=4)
            area, unc = float(fit.area.sum()), float(fit.area_covariance.sum()) ** 0.5
            above = float((fit.background - fit.intensity).max())  # counts by which it lies above a single point
            print(f"{region:6} {preset:12} {area:8.0f} +- {unc:4.0f} counts eV, at most {above:4.0f} counts above data")
            numbers[f"{region} {preset}"] = (area, unc)
            numbers[f"{region} {preset} above"] = (above, float(fit.background.max()) ** 0.5)
            fits[region, preset] = fit
    return numbers, ss.plot(fits["P 2p", "noise_aware"])


def main(folder: Path) -> dict[str, tuple[float, float]]:
    numbers, figure = analyse()
    ss.display.save_figure(figure, folder / "xps_x1", ["png"], dpi=150)
    return numbers


if __name__ == "__main__":
    main(Path())
