"""Sensitivity factors and composition: known factors come back, by references and by cross-sections."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml
from numpy.typing import NDArray

from surfspec import leis, reference, schema, spectra
from surfspec.errors import InputError, NotDeterminedError
from surfspec.leis.model import SpectrumModel

Array = NDArray[np.float64]

ELEMENTS = ("O", "Na", "Si", "P", "Zr")
FACTORS = {"O": 1.0, "Na": 2.0, "Si": 3.0, "P": 3.5, "Zr": 14.0}
FILM, SUBSTRATE = "Na3PO4", "Na3.4Zr2Si2.4P0.6O12"
RECIPE = leis.Recipe(elements=ELEMENTS, foot=False)
ENERGY = np.arange(885.0, 2855.0, 5.0)


def surface(fractions: dict[str, float], seed: int, spots: int = 3, gain: float = 1.0) -> xr.Dataset:
    model = SpectrumModel(RECIPE, ENERGY)
    values = np.zeros(len(model.parameters))
    for i, parameter in enumerate(model.parameters):
        values[i] = {"offset": 2.0, "resolution": 0.022, "survival": 100.0, "tail": 8.0}.get(parameter.name, 0.0)
    total = sum(fractions.values())
    areas = [gain * 1e5 * fractions.get(name, 0.0) / total * FACTORS[name] for name in ELEMENTS]
    values[model.shape_count + model.area_columns] = areas
    values[-1] = 2.0
    counts = np.random.default_rng(seed).poisson(model.evaluate(values), size=(spots, ENERGY.size))
    series = spectra.spectrum(ENERGY, counts, technique="LEIS", simulated="true", dims=("spot",))
    return leis.fit(series, RECIPE)


@pytest.fixture(scope="module")
def film() -> xr.Dataset:
    return surface(dict(reference.composition(FILM)), 1)


@pytest.fixture(scope="module")
def substrate() -> xr.Dataset:
    return surface(dict(reference.composition(SUBSTRATE)), 2, gain=0.8)


def test_factors_come_back(film: xr.Dataset, substrate: xr.Dataset) -> None:
    found = leis.sensitivity([film, substrate], [FILM, SUBSTRATE], relative_to="O")
    schema.check(found, "table")
    for name, value in FACTORS.items():
        one = found.sel(element=name)
        assert abs(float(one.sensitivity) - value) <= 3 * float(one.sensitivity_unc), name
        assert float(one.sensitivity_unc) < 0.15 * value
    assert float(found.sensitivity_unc.sel(element="O")) == 0
    assert found.dof.item() == 2  # O, Na and P twice, less two gains... of eight areas two gains and four factors
    assert found.verdict.item() == "ok"
    assert found.attrs["simulated"] == "true"
    assert "nominal composition" in found.attrs["assumption"]
    # another zero tells the same ratios with the same covariance
    other = leis.sensitivity([film, substrate], [FILM, SUBSTRATE], relative_to="Zr")
    ratio = float(found.sensitivity.sel(element="P") / found.sensitivity.sel(element="Zr"))
    assert float(other.sensitivity.sel(element="P")) == pytest.approx(ratio, rel=1e-9)
    logs = found.covariance / (found.sensitivity * found.sensitivity.rename(element="element_b"))
    pair = [logs.sel(element=a, element_b=b).item() for a, b in (("P", "P"), ("Zr", "Zr"), ("P", "Zr"))]
    spread = ratio * np.sqrt(pair[0] + pair[1] - 2 * pair[2])
    assert float(other.sensitivity_unc.sel(element="P")) == pytest.approx(spread, rel=1e-6)


def test_pulls_of_the_factors() -> None:
    pulls = []
    for seed in range(12):
        fit = surface(dict(reference.composition(SUBSTRATE)), 100 + seed, spots=1)
        found = leis.sensitivity(fit, SUBSTRATE, relative_to="O", model_uncertainty=0.0)
        pulls += [
            (float(one.sensitivity) - FACTORS[name]) / float(one.sensitivity_unc)
            for name in ELEMENTS[1:]
            for one in [found.sel(element=name)]
        ]
    assert np.std(pulls) == pytest.approx(1.0, abs=0.35)


def test_references_that_disagree_are_named(film: xr.Dataset, substrate: xr.Dataset) -> None:
    found = leis.sensitivity([film, substrate], ["Na3PO4", {"Na": 3.4, "Zr": 2, "Si": 2.4, "P": 6.0, "O": 12}])
    assert found.verdict.item() == "check"
    assert "model inadequate: references disagree" in found.reasons.item()
    right = leis.sensitivity([film, substrate], [FILM, SUBSTRATE])
    one = {"element": "Si"}
    assert float((found.sensitivity_unc / found.sensitivity).sel(one)) > 2 * float(
        (right.sensitivity_unc / right.sensitivity).sel(one)
    )


def test_sodium_can_be_left_out(film: xr.Dataset) -> None:
    found = leis.sensitivity(film, FILM, exclude=("Na",))
    assert found.element.values.tolist() == ["O", "P"]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda fit: leis.sensitivity([fit], [FILM, FILM]), "1 references and 2 compositions"),
        (lambda fit: leis.sensitivity(fit, 5), "compositions is a int"),
        (lambda fit: leis.sensitivity(fit, "KCl"), "none was fitted"),
        (lambda fit: leis.sensitivity(fit, "Na3PO4Zr"), "does not show Zr"),
        (lambda fit: leis.sensitivity(fit, {"O": -1.0}), "composition"),
        (lambda fit: leis.sensitivity(fit, FILM, relative_to="Zr"), "no reference tells of 'Zr'"),
        (lambda fit: leis.sensitivity(fit, FILM, exclude="Na"), "exclude is the text"),
        (lambda fit: leis.sensitivity(fit, FILM, model_uncertainty=-1), "model_uncertainty"),
        (lambda fit: leis.composition(fit, leis.detect(fit, elements=["O"])), "no sensitivity factors"),
        (lambda fit: leis.composition(fit, leis.sensitivity(fit, FILM, exclude=("P",))), "P is seen and has no factor"),
        (lambda fit: leis.sensitivity_from_cross_sections(()), "elements"),
        (lambda fit: leis.sensitivity_from_cross_sections(("O", "Zr"), ion="20Ne"), "not seen at 145 deg from O"),
        (lambda fit: leis.sensitivity_from_cross_sections(("O",), relative_to="Zr"), "not among"),
        (lambda fit: leis.sensitivity_from_cross_sections(("O",), relative_unc=-1), "relative_unc"),
        (lambda fit: leis.ion_fraction("O", velocity=-1.0), "velocity"),
        (lambda fit: leis.ion_fraction("O", velocity=1e5, incidence=95), "incidence"),
    ],
)
def test_refusals(film: xr.Dataset, call, words: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=words):
        call(film)


def test_ion_fraction_by_hand() -> None:
    # 4He: 6946 m/s times the root of the energy in eV, neutral mass; O at 1182.1 eV, exit at 35 deg
    v_in, v_out = 6946 * np.sqrt(3000), 6946 * np.sqrt(1182.1) * np.cos(np.radians(35))
    expected = np.exp(-2e5 * (1 / v_in + 1 / v_out))
    assert leis.ion_fraction("O", velocity=2e5) == pytest.approx(expected, rel=1e-3)
    assert leis.ion_fraction("O", velocity=0.0) == 1.0
    assert leis.ion_fraction("Zr", velocity=2e5) > leis.ion_fraction("O", velocity=2e5)
    assert np.isnan(leis.ion_fraction("O", velocity=2e5, ion="20Ne", energy=5000))
    # in the mirror geometry of 90 deg both normals are half of the way
    both = leis.ion_fraction("Zr", velocity=1e5, angle=90, incidence=45)
    energy = leis.elastic_energy("Zr", angle=90)
    root = np.sqrt(0.5) * 6946
    assert both == pytest.approx(np.exp(-1e5 * (1 / np.sqrt(3000) + 1 / np.sqrt(energy)) / root), rel=1e-3)


def test_factors_by_cross_sections() -> None:
    plain = leis.sensitivity_from_cross_sections(ELEMENTS, relative_unc=0.2)
    ratio = leis.cross_section("Zr") / leis.cross_section("O")
    assert float(plain.sensitivity.sel(element="Zr")) == pytest.approx(ratio)
    assert float(plain.sensitivity_unc.sel(element="Zr")) == pytest.approx(ratio * 0.2 * np.sqrt(2))
    assert plain.verdict.item() == "check"
    assert "fallback, 20% each" in plain.reasons.item()
    # factors relative to oxygen share its uncertainty
    logs = plain.covariance / (plain.sensitivity * plain.sensitivity.rename(element="element_b"))
    assert float(logs.sel(element="Na", element_b="Zr")) == pytest.approx(0.2**2)
    passed = leis.sensitivity_from_cross_sections(ELEMENTS, transmission=-1.0)
    energies = [leis.elastic_energy(name) for name in ("O", "Zr")]
    gain = float(passed.sensitivity.sel(element="Zr")) / ratio
    assert gain == pytest.approx(energies[0] / energies[1])
    assert float(
        leis.sensitivity_from_cross_sections(ELEMENTS, transmission=lambda e: 1 / e).sensitivity.sel(element="Zr")
    ) == pytest.approx(ratio * gain)
    v, step = 2e5, 1e4
    known = leis.sensitivity_from_cross_sections(ELEMENTS, velocity=v, velocity_unc=step, relative_unc=0.0)
    beyond = leis.sensitivity_from_cross_sections(ELEMENTS, velocity=v + step, relative_unc=0.0)
    change = np.abs(np.log(beyond.sensitivity / known.sensitivity))
    np.testing.assert_allclose(known.sensitivity_unc / known.sensitivity, change, rtol=1e-6, atol=1e-12)


def test_composition_of_a_known_surface(film: xr.Dataset, substrate: xr.Dataset) -> None:
    factors = leis.sensitivity([film, substrate], [FILM, SUBSTRATE])
    fractions = {"O": 0.62, "Na": 0.12, "P": 0.16, "Si": 0.10}
    sample = surface(fractions, 7)
    found = leis.composition(sample, factors)
    schema.check(found, "table")
    for name, value in fractions.items():
        one = found.sel(element=name)
        assert abs(float(one.atomic_fraction) - value) < 3 * float(one.atomic_fraction_unc), name
        assert float(one.atomic_fraction_unc) < 0.04
    assert float(found.atomic_fraction.where(found.detected == 1).sum()) == pytest.approx(1.0)
    zirconium = found.sel(element="Zr")
    assert int(zirconium.detected) == 0
    assert 0 < float(zirconium.upper_limit) < 0.03
    # the part by the factors is their covariance through the fractions: compare with draws of the factors
    names = [str(n) for n in factors.element.values]
    rng = np.random.default_rng(3)
    s = rng.multivariate_normal(factors.sensitivity.values, factors.covariance.values, 20000)
    s = s[:, [names.index(n) for n in ELEMENTS]]
    area = sample.area.mean("spot").sel(component=list(ELEMENTS)).values * np.array([1.0, 1.0, 1.0, 1.0, 0.0])
    x = area / s
    x = x / x.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found.from_sensitivity_unc.values[:4], x.std(axis=0)[:4], rtol=0.1)
    assert np.all(found.atomic_fraction_unc.values[:4] > found.from_sensitivity_unc.values[:4])


def test_uncertainty_of_fractions_by_draws(film: xr.Dataset, substrate: xr.Dataset) -> None:
    """Errors of shares drawn, divided by the factors and by their sum: the spectral model's part of the fractions."""
    factors = leis.sensitivity([film, substrate], [FILM, SUBSTRATE])
    exact, with_model = (leis.composition(substrate, factors, model_uncertainty=m) for m in (0.0, 0.01))
    added = with_model.covariance.values - exact.covariance.values
    area = substrate.area.mean("spot").values
    s = factors.sensitivity.sel(element=list(ELEMENTS)).values
    draws = area / area.sum() + 0.002 * np.random.default_rng(4).standard_normal((200_000, 5))
    x = draws / s
    x = x / x.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(np.diag(added), 25 * x.var(axis=0), rtol=0.02)
    own = np.sqrt(np.diag(added))
    np.testing.assert_allclose(added / np.outer(own, own), np.corrcoef(x.T), atol=0.02)
    # zirconium scatters fourteen times as strongly as oxygen: the same error of a share is less of it
    root = np.sqrt(np.diag(added))
    assert root[ELEMENTS.index("Zr")] < 0.4 * root[0]
    # elements of a closed sum cannot all be too large
    np.testing.assert_allclose(with_model.covariance.values.sum(axis=1), 0.0, atol=1e-6)


def test_what_a_limit_hides_is_in_the_uncertainty(film: xr.Dataset, substrate: xr.Dataset) -> None:
    factors = leis.sensitivity([film, substrate], [FILM, SUBSTRATE])
    sample = surface({"O": 0.62, "Na": 0.12, "P": 0.26}, 9)
    found = leis.composition(sample, factors)
    hidden = found.where(found.detected == 0, drop=True)
    assert set(hidden.element.values.tolist()) == {"Si", "Zr"}
    least = np.sqrt(float((hidden.atomic_fraction**2).sum())) * found.atomic_fraction
    assert bool((found.atomic_fraction_unc > least).sel(element=["O", "Na", "P"]).all())


def test_pulls_of_fractions_over_draws_with_errors_of_the_model() -> None:
    """Samples and references whose shares are each wrong by 0.01 of their sum, as the model is said to be."""
    rng = np.random.default_rng(12)
    known = (dict(reference.composition(FILM)), {"O": 12.0, "Na": 3.0, "Si": 2.0, "P": 3.0, "Zr": 0.7})
    base = [surface(one, 40 + i) for i, one in enumerate(known)]
    truth = [np.array([one.get(e, 0.0) for e in ELEMENTS]) for one in known]
    seen = truth[1] / truth[1].sum()

    def wrong(fit: xr.Dataset, there: Array) -> xr.Dataset:
        out = fit.copy(deep=True)
        total = float(out.area.isel(spot=0).sum())
        error = np.where(there > 0, 0.01 * total * rng.standard_normal(5), 0.0)
        counting = np.array([rng.multivariate_normal(np.zeros(5), c) for c in out.area_covariance.values])
        clean = 1e5 * there / there.sum() * np.array(list(FACTORS.values()))
        clean = clean * total / clean.sum()
        out["area"] = out.area.copy(data=np.maximum(clean + error + np.where(there > 0, counting, 0.0), 0.0))
        return out

    pulls = []
    for _ in range(60):
        factors = leis.sensitivity([wrong(base[i], truth[i]) for i in (0, 1)], known, relative_to="O")
        found = leis.composition(wrong(base[1], truth[1]), factors, model_uncertainty=0.01)
        pulls.append((found.atomic_fraction.values - seen) / found.atomic_fraction_unc.values)
    assert np.sqrt(np.mean(np.square(pulls))) == pytest.approx(1.0, abs=0.2)


def test_names_of_the_sensitivity(film: xr.Dataset) -> None:
    with pytest.raises(InputError, match="'na' was not fitted"):
        leis.sensitivity(film, FILM, exclude=("na",))
    with pytest.raises(InputError, match="'zr' was not fitted"):
        leis.composition(film, leis.sensitivity(film, FILM), exclude=("zr",))


def test_a_dead_spot_of_a_reference_is_left_out(film: xr.Dataset) -> None:
    broken = film.copy(deep=True)
    broken["verdict"][0] = "failed"
    broken["reasons"][0] = "not finite"
    broken["area"][0] = 1.0
    found = leis.sensitivity(broken, FILM)
    np.testing.assert_allclose(found.sensitivity, leis.sensitivity(film.isel(spot=[1, 2]), FILM).sensitivity)
    assert found.verdict.item() == "check"
    assert "1 of 3 fits failed" in found.reasons.item()
    broken["verdict"][:] = "failed"
    with pytest.raises(NotDeterminedError, match="reference 0"):
        leis.sensitivity(broken, FILM)


def test_a_fallback_stays_one(substrate: xr.Dataset) -> None:
    found = leis.composition(substrate, leis.sensitivity_from_cross_sections(ELEMENTS, relative_unc=0.3))
    assert found.verdict.item() == "check"
    assert "fallback" in found.reasons.item()
    assert found.attrs["method"] == "cross-sections"
    assert float(found.from_sensitivity_unc.sel(element="Zr")) > 0.02


@pytest.mark.data
def test_factors_of_the_independent_simulation(data_dir: Path) -> None:
    """Two references of another simulation, whose yields are known; sodium is lost to the beam."""
    folder = data_dir / "leis" / "simulated"
    if not folder.is_dir():
        pytest.skip(f"no simulated LEIS spectra in {folder}")
    recipe = leis.Recipe(elements=ELEMENTS)

    def fit(name: str) -> xr.Dataset:
        rows = []
        for area in (1, 2, 3):
            path = folder / "spectra" / f"{name}_area{area}_dose1.csv"
            energy, counts = np.loadtxt(path, delimiter=",", skiprows=1).T
            rows.append(counts)
        series = spectra.spectrum(energy, rows, technique="LEIS", simulated="true", dims=("spot",))
        return leis.fit(series, recipe)

    found = leis.sensitivity([fit("ref_Na3PO4"), fit("ref_NZSP")], [FILM, SUBSTRATE], relative_to="O", exclude=("Na",))
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with (folder / "truth.yaml").open() as lines:
        yields = yaml.load(lines, Loader=loader)["reference_yields"]  # noqa: S506
    atoms = reference.composition(SUBSTRATE)
    for name in ("Si", "P", "Zr"):
        true = (yields[name]["NZSP"] / atoms[name]) / (yields["O"]["NZSP"] / atoms["O"])
        one = found.sel(element=name)
        assert abs(float(one.sensitivity) - true) < 3 * float(one.sensitivity_unc), name
        assert float(one.sensitivity) == pytest.approx(true, rel=0.12), name
