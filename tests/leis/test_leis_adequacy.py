"""Areas that hang on the background are found, and only those: on the model's own spectra and on simulations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray

import surfspec as ss
from surfspec import leis, schema, spectra
from surfspec.errors import InputError
from surfspec.leis.model import SpectrumModel
from surfspec.leis.spectrum.area_spread import spread_of
from surfspec.leis.spectrum.background_variants import variants_of

Array = NDArray[np.float64]
ELEMENTS = ("O", "Na", "Si", "P", "Zr")
RECIPE = leis.Recipe(elements=ELEMENTS)
NO_FOOT = leis.Recipe(elements=ELEMENTS, foot=False)
X = np.arange(885.0, 2855.0, 5.0)
KNOWN = {
    "offset": 2.0, "resolution": 0.022, "survival": 110.0, "tail": 9.0, "Zr lag": 20.0, "O area": 6e4, "Na area": 3e4,
    "Si area": 2e4, "P area": 8e3, "Zr area": 8e4, "constant": 0.5, "sputter tail": 40.0, "Zr slope": 60.0,
    "shoulder": 40.0, "slope": 50.0, "foot": 45.0,
}  # fmt: skip


def drawn(recipe: leis.Recipe, count: int, seed: int, scale: float = 1.0) -> xr.Dataset:
    """Return Poisson spectra of the model itself, as a series."""
    model = SpectrumModel(recipe, X)
    values = np.array([KNOWN.get(p.name, KNOWN.get(p.name.split()[-1], np.nan)) for p in model.parameters])
    counts = np.random.default_rng(seed).poisson(scale * model.evaluate(values), (count, X.size)).astype(float)
    one = spectra.spectrum(X, counts[0], technique="LEIS", simulated="true")
    out = one.drop_vars("intensity")
    out["intensity"] = (("replicate", "kinetic_energy"), counts, one.intensity.attrs)
    return out


@pytest.fixture(scope="module")
def bulk() -> xr.Dataset:
    """Spectra of bare electrolyte from the shipped simulated study."""
    folder = Path(ss.reference.path("leis_twins"))
    return ss.stack([ss.read(folder / f"cross_section_area1_dose{i}.csv") for i in (1, 2)], "dose")


@pytest.fixture(scope="module")
def own() -> xr.Dataset:
    return leis.adequacy(drawn(RECIPE, 7, 11), RECIPE)


def test_no_false_alarm_on_spectra_of_the_model(own: xr.Dataset) -> None:
    # were it 5 % of spectra, more than 1 of 7 would have a chance of 4 %
    assert int(np.sum(own.verdict.values != "ok")) <= 1
    assert float(own.acceptable.isel(variant=0).mean()) > 0.9


def test_areas_of_the_right_model_scatter_by_their_uncertainty(own: xr.Dataset) -> None:
    truth = np.array([KNOWN[f"{e} area"] for e in ELEMENTS])
    first = own.isel(variant=0)
    pulls = (first.area - truth).values / np.hypot(first.area_unc.values, own.area_model_unc.values)
    assert 0.6 < np.std(pulls) < 1.2
    # a right model owes nothing to its background: the added part stays below that of counting
    assert np.median(own.area_model_unc / first.area_unc) < 0.7


def test_a_missing_foot_is_found_by_the_area_it_spoils() -> None:
    data = drawn(RECIPE, 2, 5, scale=8.0)
    wrong = leis.fit(data, NO_FOOT)
    assert (wrong.area.sel(component="P") / (8.0 * KNOWN["P area"]) > 1.05).values.all()
    table = leis.adequacy(wrong)
    assert set(table.verdict.values) == {"check"}
    assert table.at_fault.sel(element="P").values.all()
    assert all("area of P" in text and "'foot on'" in text for text in table.reasons.values)
    # the fit at hand is excluded by what it lacks
    assert not table.acceptable.isel(variant=0).values.any()
    assert (table.criterion.sel(variant="foot on") < 10).values.all()


@pytest.mark.data
def test_a_small_chi_square_hides_no_wrong_p(data_dir: Path) -> None:
    # an independent Monte Carlo of bare electrolyte: P is wrong by half without the foot, the chi-square 1.2 to 1.4
    folder = data_dir / "leis" / "simulated" / "spectra"
    if not folder.is_dir():
        pytest.skip(f"no simulated LEIS spectra in {folder}")
    energy, counts = np.loadtxt(folder / "ref_NZSP_area1_dose1.csv", delimiter=",", skiprows=1).T
    data = spectra.spectrum(energy, counts, technique="LEIS", simulated="true")
    wrong, right = leis.fit(data, NO_FOOT), leis.fit(data, RECIPE)
    assert float(wrong.reduced_chi2) < 1.7
    assert float((wrong.area / right.area).sel(component="P")) > 1.3
    assert leis.adequacy(wrong).at_fault.sel(element="P")
    assert not leis.adequacy(right).at_fault.values.any()


@pytest.fixture(scope="module")
def looked(bulk: xr.Dataset) -> tuple[xr.Dataset, xr.Dataset]:
    """The fit of the bare electrolyte and its adequacy."""
    fit = leis.fit(bulk, RECIPE)
    return fit, leis.adequacy(fit)


def test_the_spread_is_that_of_the_fits(bulk: xr.Dataset, looked: tuple[xr.Dataset, xr.Dataset]) -> None:
    fit, table = (one.isel(dose=0) for one in looked)
    assert table.variant.values[0] == "as fitted"
    assert table.area.isel(variant=0).values == pytest.approx(fit.area.values, rel=1e-6)
    alone = leis.fit(bulk.isel(dose=0), leis.Recipe(elements=ELEMENTS, sputter_tail=False, window=RECIPE.limits()))
    assert table.area.sel(variant="sputter tail off").values == pytest.approx(alone.area.values, rel=1e-6)
    chosen = table.area.values[table.acceptable.values == 1]
    assert table.area_range.values == pytest.approx(np.ptp(chosen, axis=0))
    assert (table.area_range_all >= table.area_range).values.all()


def test_normalise_takes_the_uncertainty_by_the_background(looked: tuple[xr.Dataset, xr.Dataset]) -> None:
    fit, table = looked
    plain = leis.normalise(fit, exclude=("Na",), model_uncertainty=0.0)
    more = leis.normalise(fit, exclude=("Na",), model_uncertainty=0.0, area_model_unc=table.area_model_unc)
    assert (more.normalised_area_unc >= plain.normalised_area_unc).values.all()
    assert float((more.normalised_area_unc - plain.normalised_area_unc).max()) > 0


def test_it_is_a_table_that_says_it_is_simulated(own: xr.Dataset) -> None:
    schema.check(own, "table")
    assert own.attrs["simulated"] == "true"
    assert own.area.dims == ("replicate", "variant", "element")


def test_variants_switch_one_thing_each() -> None:
    family = variants_of(NO_FOOT.with_instrument({"survival": 50.0}))
    names = [one.name for one in family]
    assert len(set(names)) == len(names)
    assert {"foot on", "survival free", "slope off", "sputter tail off", "peak tail off"} < set(names)
    assert "foot wider" not in names
    assert [one.name for one in family if not one.same_points] == ["window narrower"]
    assert family[-1].recipe.limits()[0] > family[0].recipe.limits()[0]


def test_more_data_of_the_same_model_make_no_model_uncertainty() -> None:
    # a narrower window may move an area by sqrt(u1^2 - u0^2) for noise alone
    area, unc = np.array([[100.0], [103.0]]), np.array([[4.0], [5.0]])
    found = spread_of(area, unc, np.array([300.0, 200.0]), np.array([300.0, 200.0]), np.array([20.0, 20.0]),
                      np.array([True, False]), known_noise=True)  # fmt: skip
    assert found.noise[1, 0] == pytest.approx(3.0)
    assert found.model_unc.tolist() == [0.0]
    assert np.isnan(found.criterion[1])
    assert found.acceptable.tolist() == [True, True]


def test_failed_refits_are_left_out() -> None:
    area = np.array([[100.0], [np.nan], [104.0]])
    found = spread_of(area, np.ones((3, 1)), np.array([300.0, np.nan, 301.0]), np.full(3, 300.0), np.full(3, 20.0),
                      np.ones(3, dtype=bool), known_noise=True)  # fmt: skip
    assert found.acceptable.tolist() == [True, False, True]
    assert found.accepted.tolist() == [4.0]


def test_refused(bulk: xr.Dataset) -> None:
    with pytest.raises(InputError, match="without a recipe"):
        leis.adequacy(bulk)
    with pytest.raises(InputError, match="recipe of its own"):
        leis.adequacy(leis.fit(bulk.isel(dose=0), RECIPE), RECIPE)
    with pytest.raises(InputError, match="XPS"):
        leis.adequacy(ss.spectrum([280, 285, 290], [10, 40, 12], technique="XPS"), RECIPE)
