"""Counting statistics of an average over scans, from dwell time and scans (Querel et al. 2021, methods); SIMULATED."""
# ruff: noqa: T201

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from matplotlib.figure import Figure

import surfspec as ss


def analyse() -> tuple[dict[str, tuple[float, float]], Figure]:
    numbers = {}
    for region in ("Zr 3d", "Na 1s", "P 2p", "C 1s", "Si 2p"):
        counts = ss.read(ss.reference.path("nasicon_study") / "xps" / "as_sintered.vms", region=region)
        seconds = counts.attrs["dwell_time"] * counts.attrs["scans"]
        head = f"technique: XPS\nregion: {region}\nphoton_energy: 1486.6\nsimulated: true\n"
        head += "axis: binding_energy\nintensity_unit: counts/s"
        columns = np.column_stack([counts.binding_energy, counts.intensity / seconds])
        fits = {}
        for name, known in (("average", ""), ("timed", f"\ndwell_time: 0.05\nscans: {counts.attrs['scans']}")):
            with TemporaryDirectory() as folder:
                file = Path(folder) / "rate.csv"
                np.savetxt(file, columns, delimiter=",", header=head + known)
                fits[name] = ss.xps.fit(ss.read(file), region, shift_search=4)
        fit = fits["timed"]
        chi2, sd = float(fit.reduced_chi2), float(np.sqrt(2 / fit.dof))
        numbers[f"{region} chi2"] = (chi2, sd)
        numbers[f"{region} area"] = (float(fit.area.sum()), float(fit.area_covariance.sum()) ** 0.5)
        print(f"{region:6} {seconds:.1f} s a channel: reduced chi-square {chi2:.2f} +- {sd:.2f}; ", end="")
        print(f"without the dwell time: {fits['average'].reasons.item()}")
    return numbers, ss.plot(fit, residuals=True)


def main(folder: Path) -> dict[str, tuple[float, float]]:
    numbers, figure = analyse()
    ss.display.save_figure(figure, folder / "xps_x4", ["png"], dpi=150)
    return numbers


if __name__ == "__main__":
    main(Path())
