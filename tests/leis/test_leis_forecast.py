"""Forecasts of separability against a published-style table, simulated spectra and fits; advice on projectiles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray

from surfspec import leis, schema, spectra
from surfspec.errors import GeometryError, InputError
from surfspec.leis.model import SpectrumModel
from surfspec.leis.planning.information import Expected, area_covariance, model_of, parameters_of, resolution_of

#: Gaussians of one width on edges and a constant: what the table below was computed with.
TEXTBOOK = leis.Recipe(
    elements=("Si", "P"), foot=False, survival=(0.0, 0.0), sputter_tail=False, lag=(), acceptance=0.0,
    thermal_energy=0.0,
)  # fmt: skip

# FWHM (eV): relative standard deviations in per cent of Si and P with free positions and tied ones (16000 and 4400
# counts, points of 5 eV), and of Si of 1500 counts beside P of 16000, tied; computed elsewhere, background not stated
SI_P = {
    30: (1.0, 2.0, 0.9, 1.9, 4.2),
    45: (1.5, 4.3, 1.1, 2.4, 5.9),
    60: (4.8, 16.0, 1.4, 3.1, 9.3),
    80: (23.0, 80.0, 2.1, 4.3, 17.0),
    100: (86.0, 300.0, 3.5, 6.4, 32.0),
}
# the same, tied, of other pairs, counts not stated: taken as 10000 in each peak
PAIRS = {
    30: {("Na", "Al"): (1.1, 1.1), ("Al", "Si"): (2.0, 2.2), ("P", "S"): (2.7, 3.0)},
    45: {("Na", "Al"): (1.2, 1.2), ("Al", "Si"): (4.3, 5.3), ("P", "S"): (7.8, 10.0)},
    60: {("Na", "Al"): (1.5, 1.4), ("Al", "Si"): (10.0, 18.0), ("P", "S"): (18.0, 39.0)},
}


@pytest.mark.parametrize(("fwhm", "expected"), SI_P.items())
def test_silicon_beside_phosphorus(fwhm: float, expected: tuple[float, ...]) -> None:
    table = leis.forecast(TEXTBOOK, counts={"Si": 16000, "P": 4400}, fwhm=fwhm, shoulder=60.0, background=50.0)
    schema.check(table, "table")
    trace = leis.forecast(TEXTBOOK, counts={"Si": 1500, "P": 16000}, fwhm=fwhm, shoulder=60.0, background=50.0)
    free, tied = table.relative_unc_free.values, table.relative_unc.values
    found = 100 * np.array([free[0, 1], free[1, 0], tied[0, 1], tied[1, 0], trace.relative_unc.values[0, 1]])
    # rounding of the table to 0.1, and a background that it does not state
    assert np.all(np.abs(found - expected) <= 0.05 + 0.12 * np.array(expected)), found.round(2)


@pytest.mark.parametrize(("fwhm", "pairs"), PAIRS.items())
def test_other_pairs(fwhm: float, pairs: dict[tuple[str, str], tuple[float, float]]) -> None:
    for pair, expected in pairs.items():
        table = leis.forecast(replace(TEXTBOOK, elements=pair), counts=10000, fwhm=fwhm, shoulder=60.0, background=50.0)
        found = 100 * np.array([table.relative_unc.values[0, 1], table.relative_unc.values[1, 0]])
        assert np.all(np.abs(found - expected) <= 0.05 + 0.26 * np.array(expected)), (pair, found.round(2))


def test_distances_of_the_lines() -> None:
    table = leis.forecast(["Na", "Al", "Si", "P", "S"], counts=10000, fwhm=50)
    for pair, distance in {("Na", "Al"): 160.0, ("Al", "Si"): 38.1, ("Si", "P"): 90.1, ("P", "S"): 30.7}.items():
        # of the mean lines; those of the main isotopes are 34.6 (Al, Si), 93.6 (Si, P) and 28.1 eV (P, S)
        one = table.sel(element=pair[0], beside=pair[1])
        assert float(one.separation) == pytest.approx(distance, abs=0.1)
        assert float(one.separation_fwhm) == pytest.approx(distance / float(one.fwhm), rel=2e-3)


def test_aluminium_and_sulphur_are_lost_beyond_fifty_ev() -> None:
    def separable(fwhm: float) -> list[int]:
        table = leis.forecast(["Na", "Al", "Si", "P", "S"], counts=10000, fwhm=fwhm)
        return [
            int(table.separable.sel(element=a, beside=b))
            for a, b in (("Na", "Al"), ("Al", "Si"), ("Si", "P"), ("P", "S"))
        ]

    assert separable(35.0) == [1, 1, 1, 1]
    assert separable(60.0) == [1, 0, 1, 0]


def test_simulated_spectra_scatter_as_forecast() -> None:
    recipe = leis.Recipe(
        elements=("Si", "P"), sputter_tail=False, foot=False, survival=(0.0, 0.0), lag=(), low_energy_tail=False,
        acceptance=0.5, resolution=(0.002, 0.08),
    )  # fmt: skip
    counts = {"Si": 16000.0, "P": 4400.0}
    forecast = leis.forecast(recipe, counts=counts, fwhm=55, shoulder=60, background=50)
    expected = Expected(counts, {"Si": 60.0, "P": 60.0}, 50.0, 0.0, 5.0)
    model = model_of(recipe, expected)
    mean = model.evaluate(parameters_of(model, expected, resolution_of(model, 55.0)))
    drawn = np.random.default_rng(11).poisson(mean, (150, mean.size)).astype(float)
    series = spectra.spectrum(model.energy, drawn, technique="LEIS", dims=("time",), simulated="true")
    window = (float(model.energy[0]), float(model.energy[-1]))
    fit = leis.fit(series, replace(recipe, window=window))
    area = fit.area.values / (5.0 * np.array([16000.0, 4400.0]))
    assert np.mean(area, axis=0) == pytest.approx([1.0, 1.0], abs=0.01)
    tied = np.array([forecast.relative_unc.values[0, 1], forecast.relative_unc.values[1, 0]])
    # 150 spectra know a standard deviation to 6 %
    assert np.std(area, axis=0) == pytest.approx(tied, rel=0.18)
    # the fits say the same of themselves
    said = np.nanmedian(fit.area_unc.values, axis=0) / (5.0 * np.array([16000.0, 4400.0]))
    assert said == pytest.approx(tied, rel=0.08)


OXIDE = leis.Recipe(elements=("O", "Si", "P", "Zr"))
OXIDE_POINTS = np.arange(850.0, 2860.0, 5.0)


def oxide_mean() -> NDArray[np.float64]:
    """Return the expectation of a spectrum with feet, slopes and a sputter tail."""
    model = SpectrumModel(OXIDE, OXIDE_POINTS)
    true = {p.name: p.value for p in model.parameters} | {"offset": 2.0, "resolution": 0.016, "tail": 12.0}
    true |= {"survival": 120.0, "constant": 3.0, "sputter tail": 300.0, "Zr lag": 10.0}
    for name, area in {"O": 4e4, "Si": 7e4, "P": 2.5e4, "Zr": 9e4}.items():
        true |= {f"{name} area": area, f"{name} shoulder": 250.0}
        true |= {f"{name} foot": 300.0} if name != "Zr" else {f"{name} slope": 500.0}
    return model.evaluate(np.array([true[p.name] for p in model.parameters]))


@pytest.fixture(scope="module")
def oxide() -> xr.Dataset:
    """Fit of one simulated spectrum."""
    counts = np.random.default_rng(4).poisson(oxide_mean()).astype(float)
    return leis.fit(spectra.spectrum(OXIDE_POINTS, counts, technique="LEIS", simulated="true"), OXIDE)


@pytest.fixture(scope="module")
def redrawn(oxide: xr.Dataset) -> xr.Dataset:
    """Fits of 30 spectra drawn from what that fit found."""
    whole = oxide.model.values
    counts = np.random.default_rng(5).poisson(whole, size=(30, whole.size)).astype(float)
    data = spectra.spectrum(oxide.kinetic_energy.values, counts, technique="LEIS", dims=("spot",), simulated="true")
    return leis.fit(data, OXIDE)


@pytest.mark.parametrize("element", ["O", "Si", "P", "Zr"])
def test_a_forecast_states_the_uncertainty_of_fits_like_it(
    oxide: xr.Dataset, redrawn: xr.Dataset, element: str
) -> None:
    again = leis.forecast(OXIDE, like=oxide)
    # one fit knows its own noise, which presses heights on zero or not; a forecast speaks of fits in general
    stated = float((redrawn.area_unc / redrawn.area).sel(component=element).median())
    assert float(again.relative_unc_all.sel(element=element)) == pytest.approx(stated, rel=0.15)


def test_a_forecast_like_a_fit_says_what_that_fit_says(oxide: xr.Dataset) -> None:
    recipe = leis.Recipe(elements=("O", "Si", "P", "Zr"))
    again = leis.forecast(recipe, like=oxide)
    schema.check(again, "table")
    assert again.attrs["simulated"] == "true"
    # a plain background is far too hopeful there
    plain = leis.forecast(recipe, counts=dict(zip(recipe.elements, again.counts.values, strict=True)), fwhm=45)
    assert np.max(again.relative_unc_all.values / plain.relative_unc_all.values) > 1.5
    # four times as long: half the uncertainty, and a little more, for limits tell less beside more counts
    longer = leis.forecast(recipe, like=oxide, exposure=4.0)
    ratio = longer.relative_unc_all / again.relative_unc_all
    assert bool(((ratio > 0.5) & (ratio < 0.55)).drop_sel(element="Zr").all())
    # the lag of Zr cannot be negative, which tells less: 100 fits of either exposure scatter by 3.56 and 2.25 %
    assert float(ratio.sel(element="Zr")) == pytest.approx(2.25 / 3.56, rel=0.1)


def test_an_element_that_was_not_measured_can_be_asked_for(oxide: xr.Dataset) -> None:
    recipe = leis.Recipe(elements=("O", "Al", "Si", "P", "Zr"))
    table = leis.forecast(recipe, like=oxide, counts={"Al": 800.0})
    alone = float(table.relative_unc.sel(element="Al", beside="Al"))
    beside = float(table.relative_unc.sel(element="Al", beside="Si"))
    assert beside > 1.5 * alone
    with pytest.raises(InputError, match="no counts for Al"):
        leis.forecast(recipe, like=oxide)
    with pytest.raises(InputError, match="no fit of one"):
        leis.forecast(recipe, like=oxide.expand_dims("time"), counts=800.0)
    with pytest.raises(InputError, match="no counts"):
        leis.forecast(recipe)


def test_information_of_one_peak_is_one_over_its_counts() -> None:
    # no background and no free position: the area of n counts is known to sqrt(n)
    recipe = replace(TEXTBOOK, elements=("P",), offset=(0.0, 0.0), resolution=(0.02, 0.02))
    expected = Expected({"P": 10000.0}, {"P": 0.0}, 1e-6, 0.0, 2.0)
    model = model_of(recipe, expected)
    values = parameters_of(model, expected, 0.02)
    assert float(np.sqrt(area_covariance(model, values)[0, 0])) / 2.0 == pytest.approx(100.0, rel=1e-3)


def test_what_is_not_determined_is_nan_and_not_separable() -> None:
    # isotopes of two elements at one energy: nothing tells the areas apart
    table = leis.forecast(["Ni", "Co"], counts=10000, fwhm=200)
    assert int(table.separable[0, 1]) == 0
    spread = table.relative_unc.values[0, 1]
    assert np.isnan(spread) or spread > 0.5


def test_more_knowledge_never_hurts() -> None:
    free = leis.forecast(leis.Recipe(elements=("Al", "Si")), counts=10000, fwhm=50)
    known = leis.Recipe(elements=("Al", "Si"), offset=(0.0, 0.0), resolution=(0.025, 0.025))
    fixed = leis.forecast(known, counts=10000, fwhm=50)
    assert np.all(fixed.relative_unc.values <= free.relative_unc.values * (1 + 1e-9))
    assert np.all(free.relative_unc.values <= free.relative_unc_free.values * (1 + 1e-9))
    assert np.all(free.relative_unc_all.values >= np.diag(free.relative_unc.values) * (1 - 1e-9))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"fwhm": 40, "resolution": 0.02}, "both given"), ({}, "how wide"), ({"fwhm": 5.0}, "narrower"),
        ({"fwhm": -1.0}, "fwhm"), ({"fwhm": 40, "counts": 0.0}, "counts"), ({"fwhm": 40, "counts": {"Si": 1.0}}, "P"),
        ({"fwhm": 40, "step": 0.0}, "step"), ({"fwhm": 40, "background": -1.0}, "background"),
        ({"fwhm": 40, "limit": 0.0}, "limit"),
    ],
)  # fmt: skip
def test_bad_input_is_refused(options: dict[str, object], words: str) -> None:
    arguments = {"counts": 1000.0, **options}
    with pytest.raises(InputError, match=words):
        leis.forecast(["Si", "P"], **arguments)  # type: ignore[arg-type]


def test_bad_elements_are_refused() -> None:
    with pytest.raises(InputError, match="one element"):
        leis.forecast(["Si"], counts=1000.0, fwhm=40)
    with pytest.raises(GeometryError, match="cannot scatter"):
        leis.forecast(["O", "Si"], counts=1000.0, fwhm=40, ion="20Ne", energy=5000)


def test_neon_tells_aluminium_from_silicon_and_loses_oxygen_and_sodium() -> None:
    advice = leis.better_projectile(
        ("Al", "Si"), wanted=["O", "Na", "P", "Zr"], resolution=0.03, projectiles=[("4He", 3000), ("20Ne", 5000)]
    )
    schema.check(advice, "table")
    assert advice.projectile.values.tolist()[0] == "20Ne 5 keV"
    neon, helium = advice.isel(projectile=0), advice.isel(projectile=1)
    assert str(neon.lost.values) == "O (forbidden), Na (34 eV)"
    assert int(neon.separable) == 1
    assert float(neon.separation_fwhm) > 2.0 * float(helium.separation_fwhm)
    assert int(helium.separable) == 0
    assert str(helium.lost.values) == ""


def test_a_heavy_ion_that_sees_neither_comes_last() -> None:
    advice = leis.better_projectile(("P", "S"))
    assert "forbidden" in str(advice.lost.values[-1])
    assert np.isnan(advice.relative_unc.values[-1])
    finite = advice.separable.values
    assert np.all(np.diff(finite) <= 0)


@pytest.mark.parametrize(
    "bad",
    [
        {"pair": ("Al",)}, {"pair": ("Al", "Al")}, {"wanted": "O"}, {"projectiles": []}, {"lowest": -1.0},
        {"projectiles": [("4He", -5.0)]}, {"projectiles": [("He", 3000.0)]},
    ],
)  # fmt: skip
def test_bad_questions_are_refused(bad: dict[str, object]) -> None:
    arguments: dict[str, object] = {"pair": ("Al", "Si"), **bad}
    pair = arguments.pop("pair")
    with pytest.raises(InputError):
        leis.better_projectile(pair, **arguments)  # type: ignore[arg-type]


def test_the_periodic_view() -> None:
    table = leis.visibility(ion="20Ne", energy=5000.0, resolution=0.02)
    schema.check(table, "table")
    state = dict(zip(table.element.values.tolist(), table.state.values.tolist(), strict=True))
    assert state["O"] == state["F"] == "forbidden"
    assert state["Na"] == "too slow"
    assert state["Si"] == state["P"] == "separated"
    assert state["Pt"] == "overlapped"
    line = leis.line_table(["Zr"], ion="20Ne", energy=5000.0)
    assert float(table.energy.sel(element="Zr")) == pytest.approx(float(line.weighted_centroid[0]))
    assert float(table.cross_section.sel(element="Zr")) == pytest.approx(
        leis.cross_section("Zr", ion="20Ne", energy=5000.0)
    )


def test_neighbours_by_brute_force() -> None:
    names = ["O", "Na", "Al", "Si", "P", "Zr", "Ar", "Ca"]
    table = leis.visibility(names, resolution=0.02)
    peaks, widths = table.energy.values, table.fwhm.values
    for i, name in enumerate(names):
        best = min(
            (abs(peaks[i] - peaks[j]) / ((widths[i] + widths[j]) / 2), other)
            for j, other in enumerate(names)
            if j != i and other != "Ar"
        )
        assert float(table.separation_fwhm[i]) == pytest.approx(best[0]), name
        assert str(table.nearest.values[i]) == best[1]
    only = leis.visibility(names, neighbours=["Zr"])
    assert set(only.nearest.values.tolist()) == {"Zr", ""}
    with pytest.raises(InputError, match="not among"):
        leis.visibility(names, neighbours=["Au"])
    with pytest.raises(InputError, match="resolution"):
        leis.visibility(names, resolution=0.0)
    with pytest.raises(InputError, match="lowest"):
        leis.visibility(names, lowest=-1.0)
