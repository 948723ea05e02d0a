"""A series in one fit: against one minimum over everything at once, the full Fisher matrix, and known truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.special import erf, erfc

from surfspec import io, leis, reference, schema, spectra
from surfspec.errors import InputError
from surfspec.leis.model import SpectrumModel
from surfspec.leis.spectrum.shared_table import area_covariance
from surfspec.leis.spectrum.sharing import Common, linked

Array = NDArray[np.float64]

ENERGY = np.arange(2380.0, 2700.0, 4.0)
RECIPE = leis.Recipe(
    elements=("Zr",),
    sputter_tail=False,
    low_energy_tail=False,
    survival=(100.0, 100.0),
    lag=(),
    window=(2380.0, 2700.0),
)
SURFACE = leis.Recipe(elements=("O", "Zr"), survival=(150.0, 150.0), lag=())


def zirconium(offset: float, area: float, step: float, seed: int, *, width: float = 28.0) -> Array:
    """Counts of one peak on a step, by a formula of its own: isotopes, bins of 4 eV, no model of the package."""
    mass = np.array([89.904697, 90.905640, 91.905035, 93.906311, 95.908271])
    share = np.array([0.5145, 0.1122, 0.1715, 0.1738, 0.0280])
    a = mass / 4.0020543
    theta = np.radians(145.0)
    lines = 3000.0 * ((np.cos(theta) + np.sqrt(a**2 - np.sin(theta) ** 2)) / (1 + a)) ** 2 + offset
    low, high = (ENERGY - 2.0)[:, None], (ENERGY + 2.0)[:, None]
    root = np.sqrt(2.0) * width
    peak = 0.5 * (erf((high - lines) / root) - erf((low - lines) / root)) @ (share / share.sum()) / 4.0
    edge = 0.5 * erfc((ENERGY - share @ lines) / (np.sqrt(2.0) * width))
    return np.random.default_rng(seed).poisson(area * peak + step * edge + 4.0).astype(np.float64)


def scene(
    offsets: tuple[float, ...] = (3.0, -4.0, 1.0), doses: int = 3, seed: int = 0, level: float = 1.0
) -> tuple[xr.Dataset, Array]:
    """Spots with an offset each, doses with an area each; and the areas (spot, dose)."""
    areas = level * 4e4 * np.linspace(0.3, 1.0, doses)[None, :] * np.array([1.0, 0.8, 1.2])[: len(offsets), None]
    counts = np.array(
        [
            [zirconium(offset, area, 0.003 * area, 100 * seed + 10 * i + j) for j, area in enumerate(row)]
            for i, (offset, row) in enumerate(zip(offsets, areas, strict=True))
        ]
    )
    series = spectra.spectrum(ENERGY, counts, technique="LEIS", dims=("spot", "dose"), simulated="true")
    return series.assign_coords(spot=[1, 2, 3][: len(offsets)]), areas


BY_SPOT = {"offset": "dose", "resolution": ("spot", "dose")}


@pytest.fixture(scope="module")
def series() -> xr.Dataset:
    return scene()[0]


@pytest.fixture(scope="module")
def together(series: xr.Dataset) -> xr.Dataset:
    return leis.fit(series, RECIPE, shared=BY_SPOT)


def test_what_is_shared_is_the_same(together: xr.Dataset) -> None:
    schema.check(together, "fit")
    offset = together["value"].sel(parameter="offset")
    assert bool((offset == offset.isel(dose=0)).all())
    assert len(np.unique(offset.values)) == 3
    assert len(np.unique(together["value"].sel(parameter="resolution").values)) == 1
    assert len(np.unique(together["value"].sel(parameter="Zr area").values)) == 9
    assert together.shared.values.tolist() == ["offset [spot 1]", "offset [spot 2]", "offset [spot 3]", "resolution"]
    assert together.attrs["shared"] == "offset over dose; resolution over spot, dose"
    assert together.attrs["simulated"] == "true"
    assert np.allclose(together.shared_value.values[:3], offset.isel(dose=0).values)
    unc = together.value_unc.sel(parameter="offset").isel(dose=1).values
    assert np.allclose(together.shared_value_unc.values[:3], unc, rtol=1e-6)
    assert np.unique(together.verdict.values).tolist() == ["ok"]


def whole_problem(series: xr.Dataset) -> tuple[SpectrumModel, Array, NDArray[np.intp]]:
    """Return the model, the counts (9, n), and the place of each member's parameters among all of the joint fit."""
    model = SpectrumModel(RECIPE, ENERGY)
    names = [p.name for p in model.parameters]
    free = [n for n in names if n not in ("offset", "resolution", "survival")]
    place = np.zeros((9, len(names)), dtype=np.intp)
    for m in range(9):
        place[m, names.index("offset")] = m // 3
        place[m, names.index("resolution")] = 3
        place[m, names.index("survival")] = -1
        for k, name in enumerate(free):
            place[m, names.index(name)] = 4 + m * len(free) + k
    return model, series.intensity.values.reshape(9, -1).astype(np.float64), place


def test_one_minimum_over_everything_is_no_lower(series: xr.Dataset, together: xr.Dataset) -> None:
    model, counts, place = whole_problem(series)
    count = int(place.max()) + 1
    survival = 100.0

    def members(values: Array) -> Array:
        return np.array([np.where(row < 0, survival, values[row]) for row in place])

    def residuals(scaled: Array) -> Array:
        expected = np.maximum(np.array([model.evaluate(v) for v in members(scaled * size)]), 1e-9)
        log = np.where(counts > 0, counts * np.log(np.maximum(counts, 1e-300) / expected), 0.0)
        return np.ravel(np.sign(expected - counts) * np.sqrt(2 * np.maximum(log - (counts - expected), 0.0)))

    found = np.zeros(count)
    values = together["value"].values.reshape(9, -1)
    for m in range(9):
        found[place[m][place[m] >= 0]] = values[m][place[m] >= 0]
    size = np.maximum(np.abs(found), 1e-2)
    low = np.where(np.arange(count) < 3, -np.inf, 0.0)
    start = np.maximum(found * 1.02, 1e-3 * size)
    start[:3] = found[:3] + 0.5
    other = least_squares(residuals, start / size, bounds=(low, np.inf), x_scale="jac", ftol=1e-12, xtol=1e-12)
    assert float(together.deviance.sum()) <= 2 * other.cost + 1e-3
    shared = np.concatenate([other.x[:4] * size[:4]])
    assert np.all(np.abs(together.shared_value.values - shared) < 0.02 * together.shared_value_unc.values)


def test_covariance_is_that_of_the_full_fisher_matrix(series: xr.Dataset, together: xr.Dataset) -> None:
    model, _, place = whole_problem(series)
    count = int(place.max()) + 1
    values = together["value"].values.reshape(9, -1)
    fisher = np.zeros((count, count))
    for m in range(9):
        mu = model.evaluate(values[m])
        columns = np.zeros((mu.size, count))
        for k, where in enumerate(place[m]):
            if where < 0 or (k >= 2 and np.isnan(together.value_unc.values.reshape(9, -1)[m, k])):
                continue  # fixed, or held at zero
            step = 1e-5 * max(abs(values[m, k]), 1e-3)
            up, down = values[m].copy(), values[m].copy()
            up[k] += step
            down[k] -= step
            columns[:, where] += (model.evaluate(up) - model.evaluate(down)) / (2 * step)
        fisher += columns.T @ (columns / mu[:, None])
    used = np.diag(fisher) > 0
    covariance = np.zeros((count, count))
    covariance[np.ix_(used, used)] = np.linalg.inv(fisher[np.ix_(used, used)])
    assert np.allclose(together.shared_covariance.values, covariance[:4, :4], rtol=1e-4, atol=1e-10)
    area = place[:, [p.name for p in model.parameters].index("Zr area")]
    stated = area_covariance(together).area_covariance.values.reshape(9, 9)
    assert np.allclose(stated, covariance[np.ix_(area, area)], rtol=1e-3, atol=1e-3 * covariance[area[0], area[0]])
    # areas of different members are correlated, and the table says so
    unc = np.sqrt(np.diag(stated))
    correlation = stated / np.outer(unc, unc) - np.eye(9)
    assert np.max(np.abs(correlation)) > 0.02


def test_separate_fits_have_no_covariance_between_them(series: xr.Dataset) -> None:
    fit = leis.fit(series.isel(spot=[0], dose=[0, 1]), RECIPE)
    table = schema.check(area_covariance(fit), "table")
    whole = table.area_covariance.values.reshape(2, 2)
    assert whole[0, 1] == 0.0
    assert np.allclose(np.sqrt(np.diag(whole)), fit.area_unc.values.ravel())
    assert table.attrs["simulated"] == "true"


def test_offsets_get_better_and_stay_honest() -> None:
    pulls, alone, joint = [], [], []
    for seed in range(1, 9):
        series, _ = scene(offsets=(2.0, -3.0), doses=3, seed=seed, level=0.3)
        separate = leis.fit(series, RECIPE)["value"].sel(parameter="offset").values
        both = leis.fit(series, RECIPE, shared=BY_SPOT)
        true = np.array([2.0, -3.0])
        alone.append(separate - true[:, None])
        joint.append(both.shared_value.values[:2] - true)
        pulls.append(joint[-1] / both.shared_value_unc.values[:2])
        assert np.all(both.sharing_probability.values > 1e-4)
    # three doses: the scatter falls by about the square root of three
    assert np.std(np.ravel(joint)) < 0.75 * np.std(np.ravel(alone))
    assert 0.6 < np.std(np.ravel(pulls)) < 1.4
    assert abs(np.mean(pulls)) < 3 / np.sqrt(16) * 1.2


def test_doses_of_one_spot_do_not_see_another(series: xr.Dataset) -> None:
    whole = leis.fit(series, RECIPE, shared=("offset", "resolution"), over="dose")
    part = leis.fit(series.isel(spot=[1]), RECIPE, shared=("offset", "resolution"), over="dose")
    assert np.allclose(whole.area.values[1], part.area.values[0], rtol=1e-9)
    assert np.allclose(whole.area_unc.values[1], part.area_unc.values[0], rtol=1e-9)
    assert whole.shared.size == 6
    between = area_covariance(whole).area_covariance.values[:, :, 0, :, :, 0]
    assert np.all(between[0, :, 1, :] == 0.0)
    assert np.all(between[0, 0, 0, 1] != 0.0)


def test_what_differs_is_not_to_be_shared() -> None:
    series, _ = scene(offsets=(0.0, 12.0), doses=2)
    fit = leis.fit(series, RECIPE, shared=("offset",))
    assert all("sharing improbable" in str(one) for one in fit.reasons.values.ravel())
    assert np.unique(fit.verdict.values).tolist() == ["check"]
    assert float(fit.sharing_probability.max()) < 1e-6
    assert int(fit.sharing_constraints[0, 0]) == 3
    right = leis.fit(series, RECIPE, shared={"offset": "dose"})
    assert "sharing" not in "".join(map(str, right.reasons.values.ravel()))


def test_a_better_lag_is_found_together() -> None:
    """The simulated study has one offset for the spots of a sample; lags of its bare surface have two maxima each."""
    folder = reference.path("nasicon_study") / "leis"
    spots = [io.read(folder / f"ref_NZSP_area{spot}_dose1.csv") for spot in (1, 2, 3)]
    series = spectra.stack(spots, "spot")
    recipe = leis.Recipe(elements=("O", "Na", "Si", "P", "Zr"))
    fit = leis.fit(series, recipe, shared=("offset",))
    assert float(fit.sharing_probability[0]) > 0.01
    lags = fit["value"].sel(parameter="Zr lag").values
    assert np.ptp(lags) < 10.0
    # no member is better alone at the shared offset, wherever its lag begins
    offset = float(fit.shared_value[0])
    for lag in (5.0, 70.0):
        fixed = leis.fit(series, replace(recipe, offset=(offset, offset)), start={"Zr lag": lag})
        assert np.all(fit.deviance.values < fixed.deviance.values + 0.5)


def test_a_spectrum_without_counts_takes_no_part(series: xr.Dataset) -> None:
    dark = series.copy(deep=True)
    dark["intensity"][0, 1] = 0
    told: list[tuple[int, int]] = []
    fit = leis.fit(dark, RECIPE, shared=BY_SPOT, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (9, 9)
    assert fit.verdict.values[0, 1] == "failed"
    assert "every intensity is zero" in str(fit.reasons.values[0, 1])
    assert np.isnan(fit.area.values[0, 1]).all()
    rest = np.ones((3, 3), dtype=bool)
    rest[0, 1] = False
    assert np.unique(fit.verdict.values[rest]).tolist() == ["ok"]
    table = area_covariance(fit).area_covariance.values.reshape(9, 9)
    assert np.isnan(table[1]).all()
    assert np.isfinite(np.delete(np.delete(table, 1, 0), 1, 1)).all()


def test_an_element_that_is_absent_in_some_members() -> None:
    """Areas on zero stay free, heights on zero are held: as in the fit of one spectrum."""
    energy = np.arange(*np.round(SURFACE.limits()), 6.0)
    model = SpectrumModel(SURFACE, energy)
    names = [p.name for p in model.parameters]
    rows = []
    for seed, oxygen in enumerate((0.0, 4e4, 8e4)):
        truth = np.zeros(len(names))
        for name, value in {
            "offset": 2.0, "resolution": 0.02, "survival": 150.0, "tail": 9.0, "O area": oxygen, "Zr area": 6e4,
            "O shoulder": oxygen / 800.0, "Zr shoulder": 40.0, "constant": 3.0,
        }.items():  # fmt: skip
            truth[names.index(name)] = value
        rows.append(np.random.default_rng(seed).poisson(model.evaluate(truth)))
    series = spectra.spectrum(energy, np.array(rows), technique="LEIS", dims=("dose",), simulated="true")
    shared = leis.fit(series, SURFACE, shared=("offset", "resolution", "tail"))
    alone = leis.fit(series, SURFACE)
    assert not np.any(shared.verdict.values == "failed")
    assert np.isfinite(shared.area_unc.values).all()
    assert shared.flag.sel(component="O").values.tolist()[0] == "below_detection"
    assert float(shared.deviance.sum()) >= float(alone.deviance.sum()) - 1e-6
    pull = (shared.area.sel(component="O").values - np.array([0.0, 4e4, 8e4])) / shared.area_unc.sel(
        component="O"
    ).values
    assert np.max(np.abs(pull)) < 3.5
    # the instrument is known better, and areas no worse
    assert np.all(
        shared.value_unc.sel(parameter="tail").values < np.nan_to_num(alone.value_unc.sel(parameter="tail"), nan=np.inf)
    )


def test_rates_share_one_scale_of_the_variance(series: xr.Dataset, together: xr.Dataset) -> None:
    rates = spectra.spectrum(
        ENERGY, series.intensity.values / 0.2, technique="LEIS", units="counts/s", dims=("spot", "dose")
    )
    fit = leis.fit(rates, RECIPE, shared=BY_SPOT)
    assert all("statistics unknown" in str(one) for one in fit.reasons.values.ravel())
    assert np.max(np.abs(fit.area.values * 0.2 - together.area.values) / together.area_unc.values) < 0.5
    # the scatter of all residuals together gives back what counting says
    assert np.median(fit.area_unc.values * 0.2 / together.area_unc.values) == pytest.approx(1.0, abs=0.05)


def test_groups_of_what_hangs_together() -> None:
    first = Common("a", "a [1]", frozenset({(0,), (1,)}))
    second = Common("b", "b", frozenset({(1,), (2,)}))
    assert linked([first, second], [(0,), (1,), (2,), (3,)]) == [[(0,), (1,), (2,)], [(3,)]]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"shared": ("ofset",)}, "Did you mean 'offset'"),
        ({"shared": ("Zr area",)}, "belong to a spectrum"),
        ({"shared": "offset"}, "one text"),
        ({"shared": ("offset",), "over": "time"}, "no series dimension 'time'"),
        ({"shared": {"offset": "time"}}, "no series dimension 'time'"),
        ({"shared": {"offset": "dose"}, "over": "dose"}, "so does over"),
        ({"shared": ("survival",)}, "no free parameter 'survival'"),
        ({"over": "dose"}, "nothing is shared"),
        ({"shared": ("offset",), "start": "global"}, "Leave out start"),
        ({"shared": 3}, "shared is a int"),
        ({"shared": {"offset": ()}}, "along no dimension"),
    ],
)
def test_what_cannot_be_shared_is_refused_in_words(series: xr.Dataset, options: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        leis.fit(series, RECIPE, **options)  # type: ignore[arg-type]


def test_a_single_spectrum_shares_nothing(series: xr.Dataset) -> None:
    with pytest.raises(InputError, match="single spectrum"):
        leis.fit(series.isel(spot=0, dose=0), RECIPE, shared=("offset",))
