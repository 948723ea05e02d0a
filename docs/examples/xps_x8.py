"""Do Na 1s, P 2p and Zr 3d keep their shape after contact with sodium (Cao et al. 2022, fig. S4)? SIMULATED twins."""
# ruff: noqa: T201

from pathlib import Path

from matplotlib.figure import Figure

import surfspec as ss


def analyse() -> tuple[dict[str, tuple[float, float]], Figure]:
    numbers = {}
    for sample in ("contacted", "altered"):
        for region in ("Na 1s", "P 2p", "Zr 3d"):
            before, after = (
                ss.read(ss.reference.path("xps_twins") / f"x8_{name}.vms", region=region)
                for name in ("pristine", sample)
            )
            found = ss.xps.compare(before, after, max_shift=1.0)
            scale, shift = ((float(found[name]), float(found[f"{name}_unc"])) for name in ("scale", "shift"))
            numbers[f"{sample} {region} scale"], numbers[f"{sample} {region} shift"] = scale, shift
            numbers[f"{sample} {region} same"] = (
                float(found.attrs["conclusion"] == "same shape"),
                float(min(found.p_value, found.largest_p_value)),
            )
            numbers[f"{sample} {region} at"] = (float(found.largest_at), float(found.largest_deviation))
            print(f"{sample:10} {region:6} scale {scale[0]:.3f} +- {scale[1]:.3f}, ", end="")
            print(f"shift {shift[0]:.3f} +- {shift[1]:.3f} eV: {found.attrs['statement']}")
    figure = ss.display.plot_comparison(after, before, shift=numbers["altered Zr 3d shift"][0])
    return numbers, figure


def main(folder: Path) -> dict[str, tuple[float, float]]:
    numbers, figure = analyse()
    ss.display.save_figure(figure, folder / "xps_x8", ["png"], dpi=150)
    return numbers


if __name__ == "__main__":
    main(Path())
