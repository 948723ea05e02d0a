"""Error bars of the whole fit, background and all, against the scatter of replicates (simulated)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

import surfspec as ss
from surfspec.fitting.model import BoundModel
from surfspec.xps.model import build

X = np.arange(174.0, 194.0, 0.1)
COUNT = 400  # a width is known to 3.5 %
ONE = ss.xps.load_recipe("Zr 3d")
_SAME = {role: ss.xps.Range(follows="Zr4+") for role in ("fwhm_gauss", "fwhm_lorentz")}
_LOWER = replace(
    ONE.doublets[0], name="Zr2+", species="Zr2+", center=ss.xps.Range(value=181.1, low=180.3, high=181.8), widths=_SAME
)
TWO = replace(ONE, doublets=(ONE.doublets[0], _LOWER))

CASES = {
    "strong": (ONE, {"Zr4+ area": 3000.0}, 200.0, 0.02, 0.97),
    "weak, 2 counts background": (ONE, {"Zr4+ area": 60.0}, 2.0, 0.02, 0.5),
    "overlapping": (TWO, {"Zr4+ area": 3000.0, "Zr2+ area": 1500.0, "Zr2+ center": 181.1}, 200.0, 0.02, 0.9),
}


def replicates(recipe: ss.xps.Recipe, truth: dict[str, float], level: float, step: float) -> tuple[xr.Dataset, dict]:
    """Fit replicates of one spectrum; return the fit and the true value of every parameter."""
    table = build(recipe)
    values = np.array([truth.get(p.name, p.value) for p in table.model.parameters])
    peaks = BoundModel(table.model, X, np.zeros(X.size)).evaluate(values)
    mean = level + peaks + step * np.cumsum(peaks) * 0.1
    counts = np.random.default_rng(0).poisson(mean, (COUNT, X.size)).astype(float)
    one = ss.spectrum(X, counts[0], technique="XPS", region="Zr 3d")
    series = one.drop_vars("intensity")
    series["intensity"] = (("replicate", "binding_energy"), counts, one.intensity.attrs)
    fit = ss.xps.fit(series, recipe, energy_shift=0.0, engine="numpy")
    return fit, dict(zip(fit.parameter.values.tolist(), values.tolist(), strict=True))


@pytest.mark.parametrize("name", CASES)
def test_areas_and_centres_scatter_as_they_say(name: str) -> None:
    recipe, truth, level, step, share = CASES[name]
    fit, true = replicates(recipe, truth, level, step)
    ok = fit.verdict.values == "ok"
    assert ok.mean() > share
    for parameter, value in true.items():
        if not parameter.endswith(("area", "center")):
            continue
        one = fit.sel(parameter=parameter)
        pulls = (one.value.values - value)[ok] / one.value_unc.values[ok]
        assert 0.8 < pulls.std() < 1.2, (parameter, pulls.std())
        assert abs(pulls.mean()) < 0.3, (parameter, pulls.mean())
        if parameter.endswith("area"):
            assert abs(one.value.values.mean() / value - 1) < 0.05  # of all members, whatever their verdict
