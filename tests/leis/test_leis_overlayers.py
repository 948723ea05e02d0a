"""Films of known thickness and an area scan, simulated with other physics than that of the fit: thickness and coverage.

The truth file is opened after the fits.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import xarray as xr
import yaml

import surfspec as ss

TWINS = ss.reference.path("leis_twins")
RECIPE = ss.leis.Recipe(elements=("O", "Na", "Si", "P", "Zr"), ion="4He", energy=3000, angle=145)


@cache
def fit(stem: str) -> xr.Dataset:
    return ss.leis.fit(ss.read(TWINS / f"{stem}.csv"), RECIPE)


@cache
def truth() -> dict:
    return yaml.safe_load((TWINS / "truth.yaml").read_text(encoding="utf-8"))


def thickness_of(layers: int) -> float:
    return float(truth()["overlayers"]["spectra"][f"overlayer_{layers}ml"]["thickness"])


@pytest.mark.parametrize("layers", [2, 3, 4, 8])
def test_thickness_by_stopping_alone(layers: int) -> None:
    """Nothing is calibrated; the uncertainty is that of the stopping, common to all films."""
    found = ss.leis.thickness(fit(f"overlayer_{layers}ml"), film="Na3PO4", reference=fit("overlayer_0ml"))
    assert float(found.thickness_unc) < 0.3 * float(found.thickness)
    assert abs(float(found.thickness) - thickness_of(layers)) < float(found.thickness_unc)


@pytest.mark.parametrize("layers", [3, 4])
def test_thickness_by_the_other_films(layers: int) -> None:
    """Each film by a calibration with those it was not among, and between them."""
    others = [n for n in (2, 3, 4, 8) if n != layers]
    calibration = ss.leis.calibrate_edge([fit(f"overlayer_{n}ml") for n in others], [thickness_of(n) for n in others])
    found = ss.leis.thickness(fit(f"overlayer_{layers}ml"), film="Na3PO4", calibration=calibration)
    assert abs(float(found.thickness) - thickness_of(layers)) < 0.1
    assert abs(float(found.thickness) - thickness_of(layers)) < 3.0 * float(found.thickness_unc)


def test_a_bare_substrate_has_no_thickness() -> None:
    found = ss.leis.thickness(fit("overlayer_0ml"), film="Na3PO4", reference=fit("overlayer_0ml"))
    assert np.isnan(float(found.thickness))
    assert found.verdict.item() != "ok"


def test_film_elements_of_a_closed_film() -> None:
    """Two monolayers hide silicon and all but a trace of zirconium."""
    table = ss.leis.normalise(fit("overlayer_2ml"), exclude=("Na",))
    detected = table.detected.to_series().to_dict()
    assert (detected["O"], detected["Na"], detected["P"], detected["Si"]) == (1, 1, 1, 0)
    assert float(table.normalised_area.sel(element="Zr")) < 0.01


def test_coverage_over_an_area_scan() -> None:
    """Shapes fixed by the summed spectrum: coverages of 64 spots of some 1500 counts a channel at most."""
    spots = [node.to_dataset() for node in ss.io.read_tree(TWINS / "area_scan.vms").children.values()]
    image = ss.stack([ss.stack(spots[8 * row : 8 * row + 8], "x") for row in range(8)], "y")
    mean = ss.leis.fit(ss.spectra.total(ss.spectra.total(image, "x"), "y"), RECIPE)
    found = {
        name: float(mean.value.sel(parameter=name)) for name in ("offset", "resolution", "survival", "tail", "Zr lag")
    }
    lag = found.pop("Zr lag")
    scan = ss.leis.fit(image, replace(RECIPE, lag_range=(lag, lag)).with_instrument(found))
    assert bool((scan.verdict != "failed").all())
    table = ss.leis.coverage(scan, film=fit("film_pellet"), substrate=fit("overlayer_0ml"))
    known = np.array([spot["coverage"] for spot in truth()["area_scan"]["spots"]]).reshape(8, 8)
    errors = table.coverage.transpose("y", "x").values - known
    assert np.mean(np.abs(errors)) < 0.03
    assert np.max(np.abs(errors)) < 0.1
    assert np.corrcoef(table.coverage.transpose("y", "x").values.ravel(), known.ravel())[0, 1] > 0.99
