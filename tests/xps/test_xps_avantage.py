"""Areas and atomic percent beside those that an Avantage export states."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import surfspec as ss
from surfspec.io.avantage_results import read_avantage_results
from surfspec.xps import Background, Peak, Range, Recipe

AVANTAGE = Background(kind="shirley_iterative", options={"rule": "avantage"}, below_tails=False)
REGIONS = ("O 1s", "Na 1s", "C 1s")


def recipes(windows: dict[str, tuple[float, float]]) -> dict[str, Recipe]:
    """The components of the export, GL(30) and a Voigt for graphitic carbon; widths and places free in ranges."""

    def gl(name: str, line: str, low: float, value: float, high: float, fwhm: Range) -> Peak:
        return Peak(name, line, Range(value, low, high), "gl_product", {"fwhm": fwhm, "mixing": 0.3})

    wide, narrow = Range(2.5, 1.0, 3.5), Range(1.8, 0.8, 2.5)
    voigt = {"fwhm_gauss": Range(0.5, 0.2, 1.5), "fwhm_lorentz": Range(0.3, 0.0, 1.0)}
    peaks = {
        "O 1s": (
            gl("CO", "O 1s", 531.5, 532.3, 533.5, wide),
            gl("OH, Auger", "O 1s", 534.2, 535.2, 537.0, Range(follows="CO")),
        ),
        "Na 1s": (gl("Na", "Na 1s", 1070.5, 1071.9, 1073.0, wide),),
        "C 1s": (
            Peak("sp2", "C 1s", Range(284.5, 284.2, 284.7), "voigt", voigt),
            gl("C-C", "C 1s", 284.73, 284.83, 285.3, narrow),
            gl("C-O", "C 1s", 285.6, 286.0, 286.6, Range(follows="C-C")),
            gl("C=O", "C 1s", 287.6, 288.3, 289.0, Range(follows="C-C")),
            gl("shake-up", "C 1s", 290.0, 291.1, 292.5, Range(2.6, 1.5, 5.0)),
        ),
    }
    return {r: Recipe(f"export {r}", r, windows[r], peaks=peaks[r], background=AVANTAGE) for r in REGIONS}


@pytest.mark.data
def test_areas_and_atomic_percent_of_the_export(data_dir: Path) -> None:
    path = data_dir / "xps" / "kherve_fits" / "Hard_carbon_Thermo.xlsx"
    stored = read_avantage_results(path)
    windows, backgrounds = {}, {}
    for region in REGIONS:
        curves = stored[f"curves/{region}"].to_dataset()
        known = np.isfinite(curves.background.values)
        energies = curves.binding_energy.values[known]
        windows[region] = (float(energies[0]), float(energies[-1]))
        backgrounds[region] = curves.background.values[known]
    fits = {}
    for region, recipe in recipes(windows).items():
        spectrum = ss.read(path, region=region)
        assert spectrum.attrs["statistics"] == "unknown"
        fits[region] = ss.xps.fit(spectrum.assign_attrs(photon_energy=1486.68), recipe)
        assert "statistics unknown" in fits[region].reasons.item()
        step = abs(backgrounds[region][-1] - backgrounds[region][0])
        worst = float(np.max(np.abs(fits[region].background.values - backgrounds[region])))
        assert worst < (0.03 if region == "Na 1s" else 0.005) * step
    table = stored["peaks/Quantifications"].to_dataset()
    groups = {r: [str(p).replace(" ", "").startswith(r.replace(" ", "")) for p in table.peak.values] for r in REGIONS}
    for region, tolerance in (("O 1s", 0.02), ("Na 1s", 0.03), ("C 1s", 0.025)):
        vendor = float(table.area.values[groups[region]].sum())
        assert float(fits[region].area.sum()) == pytest.approx(vendor, rel=tolerance)
    ours = ss.xps.quantify(fits, library="ALTHERMO1")
    for region, tolerance in (("O 1s", 0.05), ("Na 1s", 0.01), ("C 1s", 0.05)):
        vendor = float(table.atomic_percent.values[groups[region]].sum())
        assert float(ours.atomic_percent.sel(region=region)) == pytest.approx(vendor, abs=tolerance)


@pytest.mark.data
def test_atomic_percent_from_the_vendor_areas_to_the_printed_digits(data_dir: Path) -> None:
    """The formula alone: area / factor / KE^0.75 with the areas the export states."""
    stored = read_avantage_results(data_dir / "xps" / "kherve_fits" / "Hard_carbon_Thermo.xlsx")
    table = stored["peaks/Quantifications"].to_dataset()
    factor = np.array([ss.reference.sensitivity("ALTHERMO1", str(p).split()[0]) for p in table.peak.values])
    amount = table.area.values / factor / (1486.68 - table.center.values) ** 0.75
    np.testing.assert_allclose(100 * amount / amount.sum(), table.atomic_percent.values, atol=0.0051)
