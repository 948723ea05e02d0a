"""Detection: signed areas, blanks, spurious signals, many spectra at once; rates of false calls counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import norm

from surfspec import leis, schema, spectra
from surfspec.errors import InputError
from surfspec.leis.amounts import appearance, blanks, signal
from surfspec.leis.model import SpectrumModel

Array = NDArray[np.float64]

RECIPE = leis.Recipe(elements=("O", "Si", "P"), foot=False)
ENERGY = np.arange(885.0, 2155.0, 5.0)
COUNT = 60


def drawn(silicon: float, count: int, seed: int) -> xr.Dataset:
    model = SpectrumModel(RECIPE, ENERGY)
    values = np.zeros(len(model.parameters))
    for i, parameter in enumerate(model.parameters):
        values[i] = {"offset": 2.0, "resolution": 0.022, "survival": 100.0, "tail": 8.0, "P lag": 0.0}.get(
            parameter.name, 40.0 if parameter.name.endswith("shoulder") else 0.0
        )
    values[model.shape_count + model.area_columns] = 4e4, silicon, 3e4
    values[-1] = 1.0
    counts = np.random.default_rng(seed).poisson(model.evaluate(values), size=(count, ENERGY.size))
    return spectra.spectrum(ENERGY, counts, technique="LEIS", simulated="true", dims=("spot",))


@pytest.fixture(scope="module")
def absent() -> xr.Dataset:
    return leis.fit(drawn(0.0, COUNT, 1), RECIPE)


@pytest.fixture(scope="module")
def present() -> xr.Dataset:
    return leis.fit(drawn(1500.0, 6, 2), RECIPE)


def test_signed_areas_of_an_absent_element_are_normal_about_zero(absent: xr.Dataset) -> None:
    signed = signal.signed_areas(absent)[:, 1]
    seen = absent.area.sel(component="Si").values
    unc = absent.area_unc.sel(component="Si").values
    assert np.count_nonzero(seen == 0) > 0.2 * COUNT  # the areas themselves pile up
    np.testing.assert_array_equal(signed[seen > 0], seen[seen > 0])
    assert np.all(signed[seen == 0] <= 0)
    pulls = signed / unc
    assert abs(np.mean(pulls)) < 3 / np.sqrt(COUNT)
    assert np.std(pulls) == pytest.approx(1.0, abs=3 / np.sqrt(2 * COUNT))
    # a negative number is the area that an unconstrained least-squares fit of the amplitudes would give
    index = int(np.argmin(signed))
    model = SpectrumModel(RECIPE, absent.kinetic_energy.values)
    values = absent["value"].values[index]
    fitted, y = absent["model"].values[index], absent.intensity.values[index]
    areas = model.shape_count + model.area_columns
    free = (np.nan_to_num(absent["value_unc"].values[index]) > 0) | np.isin(np.arange(values.size), areas)
    J = model.jacobian(values)[:, free] / np.sqrt(fitted)[:, None]
    step = np.linalg.pinv(J, rcond=1e-9) @ ((y - fitted) / np.sqrt(fitted))
    assert step[np.flatnonzero(free) == areas[1]][0] == pytest.approx(signed[index], rel=0.02)


def test_the_likelihood_alone_is_right_where_the_model_is(absent: xr.Dataset) -> None:
    table = leis.detect(absent, elements=["Si"])
    false = int(table.detected.sum())
    assert false <= COUNT * 0.05 + 3 * np.sqrt(COUNT * 0.0475)
    assert false < 0.5 * int((table.likelihood_ratio > 0).sum())
    schema.check(table, "table")
    assert table.attrs["simulated"] == "true"
    # the true area is nought, and hardly any limit is below it
    assert bool((table.upper_limit.where(table.detected == 0).fillna(1.0) > 0).all())


def test_blanks_with_the_same_error_cost_no_rate(absent: xr.Dataset) -> None:
    sample, blank = absent.isel(spot=slice(0, 48)), absent.isel(spot=slice(48, None))
    # an error of the model that the likelihood takes for silicon: two uncertainties in every spectrum
    shift = 2.0 * float(absent.area_unc.sel(component="Si").mean())

    def biased(fit: xr.Dataset) -> xr.Dataset:
        out = fit.copy(deep=True)
        out["area"].loc[{"component": "Si"}] = signal.signed_areas(fit)[:, 1] + shift
        return out

    seen, unc = blanks.shares(biased(sample), "Si", biased(sample).area.values)
    base = blanks.Blank(*blanks.shares(biased(blank), "Si", biased(blank).area.values))
    alone = np.mean(norm.sf(seen / unc) < 0.05)
    with_blank = np.mean([blanks.blank_p_value(s[None], u[None], base) < 0.05 for s, u in zip(seen, unc, strict=True)])
    assert alone > 0.4
    assert with_blank <= 0.05 + 3 * np.sqrt(0.0475 / seen.size)


@pytest.mark.parametrize("tau", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("members", [1, 3])
def test_rate_of_the_blank_whatever_the_scatter_of_the_model(tau: float, members: int) -> None:
    rng = np.random.default_rng(8)
    n, trials, one = 8, 1500, np.ones(8)
    spread = np.hypot(1.0, tau)
    false = [
        blanks.blank_p_value(
            5 + rng.normal(0, spread, members), one[:members], blanks.Blank(5 + rng.normal(0, spread, n), one)
        )
        < 0.05
        for _ in range(trials)
    ]
    assert 0.02 < np.mean(false) < 0.08


def test_many_quiet_blanks_leave_counting_statistics() -> None:
    rng = np.random.default_rng(9)
    base = blanks.Blank(0.01 * rng.standard_normal(400), np.full(400, 0.01))
    z = (0.02 - np.mean(base.share)) / 0.01
    assert blanks.blank_p_value(np.array([0.02]), np.array([0.01]), base) == pytest.approx(norm.sf(z), rel=0.1)


@pytest.mark.parametrize("members", [1, 3])
def test_the_models_part_of_a_share_covers_what_the_blank_shows(members: int) -> None:
    """Errors of unknown mean and scatter, drawn: their root mean square is the uncertainty, to 10 %."""
    rng = np.random.default_rng(4)
    unc, stated, errors = np.full(12, 0.002), [], []
    for _ in range(1500):
        mean = 0.01 * rng.normal()
        seen = mean + 0.005 * rng.standard_normal(12 + members)
        blank = blanks.Blank(seen[:12] + unc * rng.standard_normal(12), unc)
        stated.append(float(blanks.model_part(blank, np.array(members))))
        errors.append(float(np.mean(seen[12:])))
    assert np.sqrt(np.mean(np.square(stated))) == pytest.approx(np.sqrt(np.mean(np.square(errors))), rel=0.1)


def test_shares_carry_counting_and_model_apart(absent: xr.Dataset, present: xr.Dataset) -> None:
    plain, given, by_blank = (
        leis.detect(present, elements=["Si"], **options)
        for options in ({}, {"model_uncertainty": 0.02}, {"blanks": {"Si": absent}})
    )
    for table in (given, by_blank):
        np.testing.assert_array_equal(table.share_unc, plain.share_unc)
    np.testing.assert_allclose(plain.share_model_unc, 0.01 * (1 + plain.share) ** 2)
    np.testing.assert_allclose(given.share_model_unc, 0.02)
    assert np.all(by_blank.share_model_unc > plain.share_model_unc)


def test_a_spurious_signal_is_maximised_over(present: xr.Dataset) -> None:
    s = 0.01
    plain = leis.detect(present, elements=["Si"])
    guarded = leis.detect(present, elements=["Si"], model_uncertainty={"Si": s})
    q, r = plain.likelihood_ratio.values[:, 0], plain.share.values[:, 0]
    for i in range(q.size):
        width = r[i] / np.sqrt(q[i])

        def twice_log(x: Array, true: float | None, at: float = r[i], width: float = width) -> float:
            spurious, share = x[0], x[1] if true is None else true
            return float(((at - share - spurious) / width) ** 2 + (spurious / s) ** 2)

        null = minimize(lambda x: twice_log(np.array([x[0], 0.0]), 0.0), [0.0], tol=1e-12).fun
        assert guarded.p_value.values[i, 0] == pytest.approx(norm.sf(np.sqrt(null)), rel=1e-3)
    assert np.all(guarded.p_value.values > plain.p_value.values)
    assert np.all(guarded.upper_limit.fillna(np.inf).values >= plain.upper_limit.fillna(0.0).values)


def test_spots_judged_together_see_more(present: xr.Dataset) -> None:
    alone, together = leis.detect(present, elements=["Si"]), leis.detect(present, elements=["Si"], over="spot")
    assert together.p_value.dims == ("element",)
    assert together.likelihood_ratio.item() == pytest.approx(float(alone.likelihood_ratio.sum()))
    assert together.p_value.item() < float(alone.p_value.min())
    assert together.area.item() == pytest.approx(float(alone.area.mean()))
    assert together.area_unc.item() == pytest.approx(float(np.sqrt((alone.area_unc**2).sum())) / 6)
    with pytest.raises(InputError, match="dimension 'dose'"):
        leis.detect(present, over="dose")
    for wrong in (-0.1, "small"):
        with pytest.raises(InputError, match="model_uncertainty"):
            leis.detect(present, model_uncertainty=wrong)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="elements is the text 'Si'"):
        leis.detect(present, elements="Si")
    with pytest.raises(InputError, match="level is 'high'"):
        leis.detect(present, level="high")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="not fitted"):
        leis.detect(present, model_uncertainty={"Zr": 0.1})


def made(p: Array, limit: Array | None = None) -> xr.Dataset:
    one = {"units": "1", "long_name": "x"}
    return xr.Dataset(
        {
            "p_value": (("dose", "element"), p[:, None], one),
            "upper_limit": (
                ("dose", "element"),
                np.full((p.size, 1), np.nan) if limit is None else limit[:, None],
                one,
            ),
        },
        coords={"dose": ("dose", 1.6e15 * np.arange(1.0, p.size + 1), {"units": "ions/cm2"}), "element": ["Si"]},
        attrs={"kind": "table", "technique": "LEIS", "level": 0.05},
    )


def test_the_first_dose_with_an_element() -> None:
    found = leis.first_detected(made(np.array([0.6, 0.03, 0.2, 0.001, 0.02]), np.array([0.01, np.nan, 0.02, 0, 0])))
    # the second dose is not followed by others, so nothing is claimed of it
    assert found.first_detected.item() == pytest.approx(6.4e15)
    assert found.last_undetected.item() == pytest.approx(4.8e15)
    assert found.p_joint.item() == 0.02
    assert found.detected.values.tolist() == [[0, 0, 0, 1, 1]]
    assert "not detected up to 4.8e+15 ions/cm2 (limit 0.02), detected from 6.4e+15 ions/cm2 on" in str(
        found.statement.values[0]
    )
    schema.check(found, "table")
    never = leis.first_detected(made(np.array([0.01, 0.3])))
    assert np.isnan(never.first_detected.item())
    always = leis.first_detected(made(np.array([0.01, 0.02])))
    assert always.first_detected.item() == pytest.approx(1.6e15)
    assert np.isnan(always.last_undetected.item())
    strict = leis.first_detected(made(np.array([0.04, 0.03, 0.02])), method="holm")
    assert np.isnan(strict.first_detected.item())


def test_spectra_without_an_answer_are_passed_over() -> None:
    found = leis.first_detected(made(np.array([0.6, np.nan, 0.01, np.nan, 0.02])))
    assert found.first_detected.item() == pytest.approx(4.8e15)
    assert found.last_undetected.item() == pytest.approx(1.6e15)
    assert np.isnan(found.p_corrected.values[0, 1])
    nothing = leis.first_detected(made(np.array([np.nan, np.nan])))
    assert nothing.statement.values[0] == "Si: no spectrum tells"


def test_corrections_for_many_spectra() -> None:
    # Holm's example, as statistics packages give it
    np.testing.assert_allclose(appearance.holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(appearance.holm(np.array([0.01, np.nan, 0.03])), [0.02, np.nan, 0.03])
    # chance of any claim where there is nothing
    p = np.random.default_rng(4).random((20000, 4))
    for corrected in (appearance.from_the_end(p), appearance.holm(p[:4000])):
        false = np.any(corrected < 0.05, axis=1)
        assert np.mean(false) == pytest.approx(0.05, abs=0.012)
    assert np.mean(np.any(p < 0.05, axis=1)) > 0.17  # what no correction would cost


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"along": "cycle"}, "no dimension 'cycle'"),
        ({"method": "eye"}, "unknown method"),
        ({"level": 0.7}, "level 0.7"),
    ],
)
def test_first_detected_refuses(change: dict[str, str | float], words: str) -> None:
    with pytest.raises(InputError, match=words):
        leis.first_detected(made(np.array([0.1, 0.2])), **change)  # type: ignore[arg-type]


def test_first_detected_refuses_other_tables_and_orders() -> None:
    with pytest.raises(InputError, match="does not rise"):
        leis.first_detected(made(np.array([0.1, 0.2])).isel(dose=[1, 0]))
    with pytest.raises(InputError, match="no p_value"):
        leis.first_detected(made(np.array([0.1, 0.2])).drop_vars("p_value"))


@pytest.mark.data
def test_rates_on_simulated_phosphate(data_dir: Path) -> None:
    """Replicates of the expected spectra of another simulation: its shoulders are not those of the model."""
    folder = data_dir / "leis" / "simulated" / "spectra"
    if not folder.is_dir():
        pytest.skip(f"no simulated LEIS spectra in {folder}")
    rng, rows = np.random.default_rng(17), []
    recipe = leis.Recipe(elements=("O", "Na", "Si", "P", "Zr"))
    for area in (1, 2, 3):
        for dose in (1, 2, 3, 4):
            one = np.genfromtxt(folder / f"ref_Na3PO4_area{area}_dose{dose}_components.csv", delimiter=",", names=True)
            rows.append(rng.poisson(one["expected_total"], size=(4, one.size)))
    fit = leis.fit(
        spectra.spectrum(
            one["energy_eV"], np.array(rows), technique="LEIS", simulated="true", dims=("spectrum", "draw")
        ),
        recipe,
    )
    blank, sample = fit.isel(draw=0), fit.isel(draw=slice(1, None))
    alone = leis.detect(sample, elements=["Si", "Zr"]).detected
    guarded = leis.detect(sample, elements=["Si", "Zr"], blanks={"Si": blank, "Zr": blank}).detected
    highest = 0.07 + 2.5 * np.sqrt(0.05 * 0.95 / 36)
    # model error looks like silicon; where zirconium would be there is nothing to mistake
    assert float(alone.sel(element="Si").mean()) > 0.15
    assert float(alone.sel(element="Zr").mean()) < highest
    for element in ("Si", "Zr"):
        assert float(guarded.sel(element=element).mean()) < highest
