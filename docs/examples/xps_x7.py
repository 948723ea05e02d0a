"""Tin(IV), tin metal and the Auger line of sodium in one window (Cao et al. 2022, fig. S4), on a SIMULATED twin."""
# ruff: noqa: T201

from pathlib import Path

from matplotlib.figure import Figure

import surfspec as ss


def analyse() -> tuple[dict[str, tuple[float, float]], Figure]:
    file = ss.reference.path("xps_twins") / "x7_recycled.vms"
    raw = {region: ss.read(file, region=region) for region in ("C 1s", "Na 1s", "Sn 3d")}
    carbon = ss.xps.fit(raw["C 1s"], "C 1s", shift_search=4)
    moved = ss.xps.charge_correct(raw, carbon, line="C 1s", energy=284.80, force=True)  # several states, well apart
    common = ss.xps.fit(moved["Sn 3d"], "Sn 3d")
    print(f"one width for oxide and metal: {common.verdict.item()}: {common.reasons.item()}")
    metal = ss.xps.load_recipe(ss.reference.path("recipes", "xps", "states", "Sn_3d_metal.yaml"))
    tin = ss.xps.fit(moved["Sn 3d"], metal)
    print(f"a shape of its own for the metal: {tin.verdict.item()}")
    numbers = {}
    for component in tin.component.values:
        one = tin.sel(component=component)
        numbers[f"{component} center"] = (float(one.center), float(one.center_unc))
        numbers[f"{component} area"] = (float(one.area), float(one.area_unc))
        print(f"{component:12} {float(one.center):.3f} +- {float(one.center_unc):.3f} eV, ", end="")
        print(f"{float(one.area):.0f} +- {float(one.area_unc):.0f} counts eV")
    sodium = ss.xps.auger_parameter(ss.xps.fit(moved["Na 1s"], "Na 1s"), tin, reference=2065.9)  # metal: NIST SRD 20
    numbers["Auger parameter"] = (float(sodium.auger_parameter), float(sodium.auger_parameter_unc))
    print("modified Auger parameter of sodium {:.3f} +- {:.3f} eV, ".format(*numbers["Auger parameter"]), end="")
    print(f"{float(sodium.difference):.1f} eV from that of the metal")
    return numbers, ss.plot(tin, residuals=True)


def main(folder: Path) -> dict[str, tuple[float, float]]:
    numbers, figure = analyse()
    ss.display.save_figure(figure, folder / "xps_x7", ["png"], dpi=150)
    return numbers


if __name__ == "__main__":
    main(Path())
