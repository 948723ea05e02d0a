"""Detection, normalisation and calibration on cases whose answers are known."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import norm

from surfspec import leis, spectra
from surfspec.errors import InputError, NotDeterminedError
from surfspec.leis.amounts import detection

Array = NDArray[np.float64]


def test_normalised_areas_leave_sodium_out_of_the_sum(sample: xr.Dataset) -> None:
    table = leis.normalise(sample, exclude=("Na",), model_uncertainty=0.0)
    assert table.normalised_area.dims == ("dose", "element")
    in_sum = table.normalised_area.where(table.in_sum * table.detected == 1).sum("element")
    np.testing.assert_allclose(in_sum, 1.0, atol=0.003)
    assert float(table.normalised_area.sel(element="Na").max()) > 0.3
    spots = table.spot_normalised_area
    np.testing.assert_allclose(table.normalised_area, spots.mean("spot"), rtol=1e-12)
    np.testing.assert_allclose(table.normalised_area_sd, spots.std("spot", ddof=1), rtol=1e-9)
    # Student's interval of three: 4.303/sqrt(3) = 2.48 standard deviations
    half = table.normalised_area_high - table.normalised_area
    np.testing.assert_allclose(half, 2.484 * table.normalised_area_sd, rtol=1e-3)
    assert table.attrs["exclude"] == "Na"
    wider = leis.normalise(sample, exclude=("Na",), model_uncertainty=0.01)
    assert bool((wider.normalised_area_unc > 0.0099).all())


def test_normalised_areas_do_not_depend_on_the_current(oxide: SimpleNamespace) -> None:
    areas = np.array([6e4, 7e4, 5.5e4, 3e4])
    one, two = (
        leis.normalise(leis.fit(oxide.spectrum(f * areas, 7), oxide.recipe), exclude=["Na"]) for f in (1.0, 3.0)
    )
    np.testing.assert_allclose(one.normalised_area, two.normalised_area, atol=0.04)
    r, C = one.spot_normalised_area.values, one.spot_covariance.values
    assert r.shape == (4,)
    # the shares of the sum are anticorrelated: their covariance adds up to nothing
    keep = [0, 2, 3]
    assert abs(C[np.ix_(keep, keep)].sum()) < 1e-9


def test_normalisation_by_sensitivity(oxide: SimpleNamespace) -> None:
    fit = leis.fit(oxide.spectrum(np.array([6e4, 7e4, 5.5e4, 3e4]), 8), oxide.recipe)
    plain, scaled = leis.normalise(fit), leis.normalise(fit, sensitivity={"Zr": 2.0})
    ratio = scaled.normalised_area.values / plain.normalised_area.values
    assert ratio[3] / ratio[0] == pytest.approx(0.5)


def test_an_absent_element_leaves_the_sum_and_has_a_limit(film: xr.Dataset) -> None:
    table = leis.normalise(film, exclude=("Na",))
    assert table.detected.sel(element="Zr").item() == 0
    limit = float(table.upper_limit.sel(element="Zr"))
    assert 0 < limit < 0.05
    np.testing.assert_allclose(table.spot_normalised_area.sel(element=["O", "P"]).sum("element"), 1.0)


def test_a_blank_guards_against_the_model(film: xr.Dataset, sample: xr.Dataset) -> None:
    with_blank = leis.detect(sample, elements=["Zr"], blanks={"Zr": film})
    assert bool((with_blank.detected.isel(dose=3) == 1).all())
    itself = leis.detect(film, elements=["Zr"], blanks={"Zr": film})
    assert int(itself.detected.sum()) <= 1
    with pytest.raises(InputError, match="tell no scatter"):
        leis.detect(film, blanks={"Zr": film.isel(spot=[0])})
    with pytest.raises(InputError, match="blank"):
        leis.detect(film, blanks={"Al": film})


def test_p_values_of_the_one_sided_mixture() -> None:
    assert float(detection.p_value(np.array([0.0]))[0]) == 1.0
    assert float(detection.p_value(np.array([2.7055]))[0]) == pytest.approx(0.05, abs=1e-4)
    draws = np.maximum(np.random.default_rng(1).standard_normal((20000, 3)), 0.0)
    q = np.sum(draws**2, axis=1)
    assert np.mean(detection.p_value(q, 3) < 0.05) == pytest.approx(0.05, abs=0.005)


@pytest.mark.parametrize("call", [
    lambda fit: leis.normalise(fit, exclude=("Al",)),
    lambda fit: leis.normalise(fit, exclude="Na"),
    lambda fit: leis.normalise(fit, exclude=("O", "Na", "P", "Zr")),
    lambda fit: leis.normalise(fit, sensitivity={"Zr": 0.0}),
    lambda fit: leis.normalise(fit, level=0.9),
    lambda fit: leis.normalise(fit, model_uncertainty=-1.0),
    lambda fit: leis.detect(fit, elements=["Al"]),
    lambda fit: leis.coverage(fit, film=fit, substrate=fit),
    lambda fit: leis.coverage(fit, film=fit, substrate=fit, exclude=("Na", "O", "P")),
])  # fmt: skip
def test_bad_questions_are_refused(film: xr.Dataset, call: object) -> None:
    with pytest.raises(InputError):
        call(film)  # type: ignore[operator]


def test_a_spectrum_needs_a_recipe(film: xr.Dataset, oxide: SimpleNamespace) -> None:
    with pytest.raises(InputError, match="no recipe says how to fit it"):
        leis.coverage(oxide.spectrum(oxide.film, 1), film=film, substrate=film)


def test_failed_fits_are_not_used(film: xr.Dataset) -> None:
    broken = film.copy(deep=True)
    broken["verdict"][0] = "failed"
    assert "1 of 4 fits failed and are left out" in " ".join(leis.normalise(broken).reasons.values.ravel())
    with pytest.raises(NotDeterminedError):
        leis.normalise(broken.assign(verdict=xr.full_like(broken.verdict, "failed", dtype="<U6")))
    assert leis.normalise(broken, force=True).attrs["kind"] == "table"


def test_calibration_finds_the_geometry_with_its_uncertainty() -> None:
    rng = np.random.default_rng(3)
    targets = ("Ni", "Pd", "Au", "Si")
    true = np.array([leis.elastic_energy(name, energy=972.6, angle=107.1) for name in targets])
    pulls = []
    for _ in range(60):
        measured = {name: (float(e), 0.3) for name, e in zip(targets, true + rng.normal(0, 0.3, 4), strict=True)}
        found = leis.calibrate(measured, energy=1000.0, angle=110.0)
        pulls.append([(float(found.energy) - 972.6) / float(found.energy_unc),
                      (float(found.angle) - 107.1) / float(found.angle_unc)])  # fmt: skip
    assert np.all(np.abs(np.std(pulls, axis=0) - 1) < 0.3)
    assert np.all(np.abs(np.mean(pulls, axis=0)) < 0.5)
    heavy = {name: (float(e), 0.3) for name, e in zip(targets[1:3], true[1:3], strict=True)}
    two = leis.calibrate(heavy, energy=972.6, angle=107.1)
    np.testing.assert_allclose(two.residual, 0.0, atol=1e-6)
    for bad in (
        {"free": ("energy", "gain")},
        {"free": ("energy", "angle", "offset")},
        {"free": "energy"},
        {"free": ()},
    ):
        with pytest.raises(InputError):
            leis.calibrate(heavy, energy=972.6, angle=107.1, **bad)  # type: ignore[arg-type]
    with pytest.raises(InputError):
        leis.calibrate({"Pd": (880.0, 0.0)}, energy=972.6, angle=107.1, free=("energy",))


def test_detection_knows_the_uncertainty_that_the_table_states(
    sample: xr.Dataset, film: xr.Dataset, oxide: SimpleNamespace
) -> None:
    # weak enough that the model uncertainty hides what counting alone would call certain
    weak = leis.fit(oxide.spectrum(np.array([6e6, 7e6, 5.5e6, 1.2e5]), 11), oxide.recipe)
    exact = leis.normalise(weak, exclude=("Na",), model_uncertainty=0.0).sel(element="Zr")
    table = leis.normalise(weak, exclude=("Na",), model_uncertainty=0.01).sel(element="Zr")
    assert exact.detected.item() == 1
    assert 0 < exact.normalised_area.item() < 0.016
    assert table.detected.item() == 0
    assert table.upper_limit.item() > table.normalised_area.item()
    assert table.p_value.item() == pytest.approx(norm.sf(exact.normalised_area.item() / 0.01), abs=0.03)
    for one in (sample, film, weak):
        for blanks in (None, {"Zr": film}):
            found = leis.normalise(one, exclude=("Na",), blanks=blanks)
            sure = (found.normalised_area / found.normalised_area_unc).values[found.detected.values == 1]
            assert np.all(sure > norm.isf(0.05))
            np.testing.assert_array_equal(found.detected.values == 1, found.p_value.values < 0.05)


def test_model_error_is_called_an_element_no_more_often_than_the_level(oxide: SimpleNamespace) -> None:
    # an absent element that the model sees with a scatter of 0.01 of the total, at counts that leave no other doubt
    rng = np.random.default_rng(5)
    base = leis.fit(oxide.spectrum(np.array([6e5, 7e5, 5.5e5, 4e4]), 12), oxide.recipe)
    total = float(base.area.sel(component=["O", "P"]).sum())
    draws = rng.normal(0.0, 0.01, 200)
    false = 0
    for draw in draws[draws > 0.002]:
        one = base.copy(deep=True)
        one["area"].loc[{"component": "Zr"}] = draw * total
        one["deviance"] = one["deviance"] - 1e3  # the likelihood ratio is certain of it
        false += int(leis.normalise(one, exclude=("Na",)).detected.sel(element="Zr"))
    assert false <= 0.05 * 200 + 2 * np.sqrt(200 * 0.05)


def test_a_strong_peak_above_the_window_is_no_ok(oxide: SimpleNamespace) -> None:
    light = leis.Recipe(elements=("O", "Na", "P"), foot=False)
    seen = oxide.spectrum(oxide.substrate, 41)
    fit = leis.fit(seen, light)
    assert fit.verdict.item() != "ok"
    assert "strongest at 25" in str(fit.reasons.values)
    assert "no element of the recipe explains" in str(fit.reasons.values)
    for without in (
        leis.fit(oxide.spectrum(oxide.film[:3], 42, light), light),
        leis.fit(spectra.crop(seen, 885.0, 2160.0), light),
        leis.fit(seen, oxide.recipe),
    ):
        assert "above the window" not in str(without.reasons.values)
    series = leis.fit(spectra.stack([oxide.spectrum(oxide.film[:3], 43, light), seen], "spot"), light)
    assert ["above the window" in str(one) for one in series.reasons.values] == [False, True]
