"""Thickness and coverage of films: closed formulas, integration over depth, simulated truth, what is not determined."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml

import surfspec as ss
from surfspec import reference
from surfspec.errors import InputError, NotDeterminedError
from surfspec.reference import Material
from surfspec.xps.amounts.mean_free_path import lengths
from surfspec.xps.film.model import Signals, estimate, intensities

PHOTON = 1486.6
PLACES = {"Zr 3d": 183.4, "Na 1s": 1071.4, "P 2p": 133.4, "Si 2p": 102.3, "C 1s": 285.0, "O 1s": 531.0}
FILM, BULK = reference.material("Na3PO4"), reference.material("Na3.4Zr2Si2.4P0.6O12")
#: Inputs that are known exactly.
EXACT = {
    "sensitivity": 0.0, "film_length": 0.0, "substrate_length": 0.0, "density": 0.0, "transmission_exponent": 0.0,
    "contamination_length": 0.0, "bare_gain": 0.0, "thick_gain": 0.0,
}  # fmt: skip


def by_depth(
    region: str,
    thickness: float,
    coverage: float,
    *,
    angle: float = 0.0,
    dirt: float = 0.0,
    film: Material = FILM,
    bulk: Material = BULK,
) -> float:
    """Intensity of a line by summing thin slices over depth, film and substrate each with its own length."""
    element, kinetic = region.split(maxsplit=1)[0], PHOTON - PLACES[region]
    cosine = np.cos(np.radians(angle))
    in_film, in_bulk, in_dirt = (float(lengths(m, kinetic)[0][0]) for m in (film, bulk, "adventitious carbon"))
    edges = np.linspace(0.0, 1.0, 200_001)
    middle = 0.5 * (edges[1:] + edges[:-1])

    def layer(atoms: float, deep: float, length: float, above: float) -> float:
        """Sum over slices of one layer of a depth, below a column that attenuates by `above`."""
        step = deep / middle.size
        return float(np.sum(atoms * np.exp(-middle * deep / (length * cosine)) * step)) * above

    clear = np.exp(-dirt / (in_dirt * cosine))
    passed = np.exp(-thickness / (in_film * cosine))
    covered = layer(film.atoms(element), thickness, in_film, 1.0) if thickness > 0 else 0.0
    below = layer(bulk.atoms(element), 40 * in_bulk, in_bulk, 1.0)
    found = coverage * (covered + below * passed) + (1 - coverage) * below
    found *= clear
    if element == "C" and dirt > 0:
        found += layer(reference.material("adventitious carbon").atoms("C"), dirt, in_dirt, 1.0)
    return found * reference.sensitivity("scofield", region) / cosine


def fit_of(region: str, area: float, *, unc: float = 1e-4, lines: Mapping[str, float] | None = None) -> xr.Dataset:
    """A fit with the stated area: that of a noiseless spectrum, its numbers replaced."""
    e = np.arange(PLACES[region] - 8.0, PLACES[region] + 8.0, 0.1)
    y = 500 + 900 * np.exp(-(((e - PLACES[region]) / 0.8) ** 2))
    spectrum = ss.spectrum(
        e, np.round(y), technique="XPS", region=region, photon_energy=PHOTON, sample="A", dwell_time=0.1, scans=10.0,
        simulated="true",
    )  # fmt: skip
    peaks = tuple(
        ss.xps.Peak(name, region, ss.xps.Range(PLACES[region] + k, PLACES[region] + k - 0.5, PLACES[region] + k + 0.5))
        for k, name in enumerate(lines or {"all": area})
    )
    recipe = ss.xps.Recipe(region, region, (float(e[10]), float(e[-10])), peaks=peaks)
    fit = ss.xps.start_values(spectrum, recipe)
    areas = np.array(list(lines.values()) if lines else [area])
    fit["area"] = fit["area"].copy(data=areas)
    fit["area_unc"] = fit["area_unc"].copy(data=unc * areas)
    fit["area_covariance"] = fit["area_covariance"].copy(data=np.diag((unc * areas) ** 2))
    fit["center"] = fit["center"].copy(data=np.full(areas.size, PLACES[region]))
    fit["verdict"], fit["reasons"] = xr.DataArray("ok"), xr.DataArray("")
    return fit


def sample(
    thickness: float,
    coverage: float = 1.0,
    *,
    regions: tuple[str, ...] = ("Zr 3d", "Na 1s", "P 2p", "Si 2p"),
    unc: float = 1e-4,
    **options: float,
) -> dict[str, xr.Dataset]:
    return {r: fit_of(r, 1e4 * by_depth(r, thickness, coverage, **options), unc=unc) for r in regions}


def found_in(fits: dict[str, xr.Dataset], **options: object) -> xr.Dataset:
    known = {"film": FILM, "substrate": BULK, "uncertainties": EXACT, **options}
    return ss.xps.thickness(fits, **known)


@pytest.mark.parametrize(("thickness", "angle"), [(0.3, 0.0), (1.2, 0.0), (4.0, 30.0), (0.8, 55.0)])
def test_integration_over_depth_is_inverted(thickness: float, angle: float) -> None:
    """Elements of film and substrate both (sodium, phosphorus): the truth comes back."""
    table = found_in(sample(thickness, angle=angle), emission_angle=angle)
    assert float(table.thickness) == pytest.approx(thickness, rel=2e-3)
    assert float(table.chi2) < 0.1
    assert float(table.coverage) == 1.0
    assert table.attrs["simulated"] == "true"
    assert table.verdict.item() == "ok"


def test_the_closed_formula_of_silicon_oxide() -> None:
    """ISO 14701: d = L cos(a) ln(1 + R / R0), both lines of one length in the oxide."""
    oxide, silicon = reference.material("SiO2"), reference.material("Si")
    kinetic = PHOTON - PLACES["Si 2p"]
    length, below = (float(lengths(m, kinetic)[0][0]) for m in (oxide, silicon))
    bare = oxide.atoms("Si") * length / (silicon.atoms("Si") * below)
    ratio, angle = 0.75, 34.0
    expected = length * np.cos(np.radians(angle)) * np.log(1 + ratio / bare)
    fits = {"Si 2p": fit_of("Si 2p", 0.0, lines={"SiO2": ratio * 5e3, "Si": 5e3})}
    states = {"SiO2": "film", "Si": "substrate"}
    table = ss.xps.thickness(
        fits, film="SiO2", substrate="Si", states=states, emission_angle=angle, uncertainties=EXACT
    )
    assert float(table.thickness) == pytest.approx(expected, rel=1e-5)
    # The density ratio is the only thing that does not cancel: d(thickness) = L cos(a) R/(R + R0) d(ln R0).
    loose = ss.xps.thickness(
        fits, film="SiO2", substrate="Si", states=states, emission_angle=angle,
        uncertainties={**EXACT, "density": 0.05},
    )  # fmt: skip
    slope = length * np.cos(np.radians(angle)) * ratio / (ratio + bare)
    part = float(loose.budget.sel(source="density"))
    assert part == pytest.approx(0.05 * slope, rel=0.02)
    assert float(loose.thickness_unc) == pytest.approx(np.sqrt(float((loose.budget**2).sum())), rel=1e-6)


def test_attenuation_of_the_substrate_against_the_bare_one() -> None:
    """d = L ln(I_bare / I): one line, and the same line of the bare sample, gain known."""
    length = float(lengths(FILM, PHOTON - PLACES["Zr 3d"])[0][0])
    fits, bare = ({"Zr 3d": fit_of("Zr 3d", area)} for area in (600.0, 1000.0))
    table = found_in(fits, bare_substrate=bare)
    assert float(table.thickness) == pytest.approx(length * np.log(1000 / 600), rel=1e-4)
    loose = found_in(fits, bare_substrate=bare, uncertainties={**EXACT, "bare_gain": 0.05})
    assert float(loose.thickness_unc) == pytest.approx(0.05 * length, rel=0.03)


def test_factors_cancel_against_references() -> None:
    """A wrong sensitivity factor spoils the answer, but not with bare substrate and thick film beside it."""
    wrong = {**{r: float(reference.sensitivity("scofield", r)) for r in PLACES}, "Na 1s": 8.52 * 1.25}
    fits = sample(1.0)
    alone = found_in(fits, library=wrong)
    assert abs(float(alone.thickness) - 1.0) > 0.05
    assert "contradict" in alone.reasons.item()
    known = {**EXACT, "sensitivity": 0.3}
    bare, thick = sample(0.0), sample(90.0, regions=("Na 1s", "P 2p"))
    table = found_in(fits, library=wrong, uncertainties=known, bare_substrate=bare, thick_film=thick)
    assert float(table.thickness) == pytest.approx(1.0, abs=0.01)


def test_a_patchy_film_by_lines_of_different_depth() -> None:
    """Two unknowns, lines of 415 to 1384 eV, inputs exact: coverage and thickness come apart."""
    table = found_in(sample(3.0, 0.6), model="patchy")
    assert float(table.thickness) == pytest.approx(3.0, rel=0.01)
    assert float(table.coverage) == pytest.approx(0.6, rel=0.01)
    assert table.covariance.values[0, 1] < 0
    whole = found_in(sample(3.0, 0.6))
    assert "contradict" in whole.reasons.item()
    at = float(table.trial_thickness.interp(trial_coverage=0.6))
    assert at == pytest.approx(3.0, rel=0.02)
    assert int(np.argmin(table.trial_chi2.values)) == 11  # coverage 0.60


def test_one_ratio_gives_a_curve_and_no_pair() -> None:
    table = found_in(sample(1.0, 0.7, regions=("Zr 3d", "P 2p")), model="patchy")
    assert np.isnan(table.thickness)
    assert np.isnan(table.coverage)
    assert table.verdict.item() == "failed"
    assert "not determined: coverage and thickness apart" in table.reasons.item()
    # every pair of the curve explains the ratio; so does the truth, which lies on it
    assert float(table.trial_chi2.sel(trial_coverage=slice(0.55, 1.0)).max()) < 1e-3
    assert float(table.trial_thickness.interp(trial_coverage=0.7)) == pytest.approx(1.0, rel=0.01)
    assert np.isfinite(table.equivalent_thickness)


def test_a_thin_film_has_a_mean_thickness_only() -> None:
    """Far below the length, coverage times thickness is all there is to know."""
    table = found_in(sample(0.5, 0.8, unc=0.01), model="patchy", uncertainties=None)
    assert np.isnan(table.coverage)
    assert abs(float(table.mean_thickness) - 0.4) < 2 * float(table.mean_thickness_unc)
    assert float(table.mean_thickness_unc) < 0.2


def test_a_thick_film_has_a_lower_limit_only() -> None:
    table = found_in(sample(60.0, unc=0.01), uncertainties=None)
    assert np.isnan(table.thickness)
    assert np.isnan(table.upper_limit)
    assert 5.0 < float(table.lower_limit) < 60.0
    assert "may be thicker" in table.reasons.item()


def test_a_bare_substrate_has_an_upper_limit() -> None:
    table = found_in(sample(0.0, unc=0.01), uncertainties=None)
    assert np.isnan(table.lower_limit)
    assert 0 < float(table.upper_limit) < 0.5
    assert "below detection" in table.reasons.item()
    assert table.verdict.item() == "check"


def test_limits_are_those_of_the_covariance_where_all_is_linear() -> None:
    table = found_in(sample(1.0, unc=1e-3))
    value, unc = float(table.thickness), float(table.thickness_unc)
    assert float(table.lower_limit) == pytest.approx(value - 1.645 * unc, abs=0.03 * unc)
    assert float(table.upper_limit) == pytest.approx(value + 1.645 * unc, abs=0.03 * unc)


def test_contamination_takes_part() -> None:
    regions = ("Zr 3d", "Na 1s", "P 2p", "Si 2p", "C 1s")
    fits = sample(1.0, dirt=0.7, regions=regions)
    table = found_in(fits, contamination="adventitious carbon")
    assert float(table.thickness) == pytest.approx(1.0, rel=0.01)
    assert float(table.contamination) == pytest.approx(0.7, rel=0.01)
    ignored = found_in(fits)
    assert list(ignored.line.values) == ["Zr 3d", "Na 1s", "P 2p", "Si 2p"]
    assert abs(float(ignored.thickness) - 1.0) > 0.05


def test_elastic_scattering_makes_films_thinner() -> None:
    fits = sample(1.0)
    straight, bent = (found_in(fits, attenuation=name, uncertainties=None) for name in ("TPP-2M", "S3"))
    assert np.all(bent.film_length < straight.film_length)
    assert bent.attrs["attenuation"] == "S3"


def replicated(
    thickness: float, coverage: float, sigma: Mapping[str, float], counting: float
) -> Callable[[np.random.Generator], Signals]:
    """Return a function that draws the inputs and the counts anew around one truth."""
    regions = ("Zr 3d", "Na 1s", "P 2p", "Si 2p")
    kinetic = np.array([PHOTON - PLACES[r] for r in regions])
    in_film, in_bulk = lengths(FILM, kinetic)[0], lengths(BULK, kinetic)[0]
    factors = np.array([reference.sensitivity("scofield", r) for r in regions])
    held = [[m.atoms(r.split()[0]) for r in regions] for m in (FILM, BULK)]
    nothing = np.zeros(len(regions))
    plain = Signals(
        intensity=nothing, covariance=np.eye(4), sample=np.zeros(4, dtype=np.int64), film=factors * held[0] * in_film,
        substrate=factors * held[1] * in_bulk, contamination=nothing, film_length=in_film, contamination_length=in_film,
        level=np.arange(4), slope=np.log(kinetic / kinetic.mean()), sigma=dict(sigma),
    )  # fmt: skip

    def draw(rng: np.random.Generator) -> Signals:
        errors = plain.errors()
        truth = np.concatenate([[3.0, thickness, coverage, 0.0], rng.standard_normal(len(errors))])
        made = intensities(plain, truth, errors)
        unc = counting * np.sqrt(made * made.mean())
        return replace(plain, intensity=made + unc * rng.standard_normal(4), covariance=np.diag(unc**2))

    return draw


def test_pulls_of_a_uniform_film() -> None:
    """Counts, factors, lengths, densities and transmission drawn anew 150 times, each as uncertain as stated."""
    sigma = {"film_length": 0.1, "substrate_length": 0.1, "density": 0.03, "transmission_exponent": 0.05,
             "sensitivity": 0.05}  # fmt: skip
    draw = replicated(1.0, 1.0, sigma, 0.01)
    rng = np.random.default_rng(3)
    found = [estimate(draw(rng)) for _ in range(150)]
    pulls = np.array([(one.of("thickness")[0] - 1.0) / one.of("thickness")[1] for one in found])
    assert 0.85 < pulls.std() < 1.15
    assert abs(pulls.mean()) < 0.3
    chi2 = np.array([one.chi2 for one in found])
    assert abs(chi2.mean() - 2.0) < 0.6  # four lines, gain and thickness
    lines = np.array([one.pulls for one in found])
    assert np.all(lines.std(axis=0) < 1.3)


def test_pulls_of_a_patchy_film() -> None:
    sigma = {"film_length": 0.03, "substrate_length": 0.03, "density": 0.01, "sensitivity": 0.01}
    draw = replicated(3.0, 0.6, sigma, 0.005)
    rng = np.random.default_rng(5)
    found = [estimate(draw(rng), patchy=True) for _ in range(100)]
    for name, truth in (("thickness", 3.0), ("coverage", 0.6)):
        pulls = np.array([(one.of(name)[0] - truth) / one.of(name)[1] for one in found])
        assert 0.8 < pulls.std() < 1.2, name
        assert abs(pulls.mean()) < 0.35, name


def test_stated_uncertainties_are_needed() -> None:
    """The same replicates with the common errors denied: the pulls are far too wide."""
    sigma = {"film_length": 0.1, "substrate_length": 0.1, "density": 0.03, "sensitivity": 0.05}
    draw = replicated(1.0, 1.0, sigma, 0.01)
    rng = np.random.default_rng(7)
    kept = [estimate(replace(draw(rng), sigma=dict.fromkeys(sigma, 0.0))) for _ in range(40)]
    pulls = np.array([(one.of("thickness")[0] - 1.0) / one.of("thickness")[1] for one in kept])
    assert pulls.std() > 2.0


def study_fits(folder: Path, name: str) -> dict[str, xr.Dataset]:
    fits = {}
    for region in ("Zr 3d", "Na 1s", "P 2p", "Si 2p"):
        files = [f for f in sorted(folder.glob(f"{name}*")) if f.suffix == ".vms" or region.replace(" ", "") in
                 f.name.replace("_", "").replace(" ", "")]  # fmt: skip
        fits[region] = ss.xps.fit(ss.read(files[0], region=region), region, shift_search=4)
    return fits


@pytest.mark.parametrize("name", ["as_sintered", "polished", "annealed"])
def test_truth_of_the_simulated_study(name: str) -> None:
    """Films of known coverage and thickness, simulated with slices of its own; coverage times thickness comes back."""
    folder = reference.path("nasicon_study")
    truth = yaml.safe_load((folder / "truth.yaml").read_text(encoding="utf-8"))["samples"][name]["xps"]
    mean = truth["coverage"] * truth["thickness"]
    table = ss.xps.thickness(study_fits(folder / "xps", name), film="Na3PO4", substrate="Na3.4Zr2Si2.4P0.6O12")
    assert abs(float(table.thickness) - mean) < 2 * float(table.thickness_unc)
    assert float(table.thickness_unc) < 0.12
    assert float(table.upper_limit) > mean
    assert table.attrs["materials_verified"] == "no"
    if name == "polished":
        assert "below detection" in table.reasons.item()
        assert float(table.upper_limit) < 0.085  # the page: 0.08
    else:
        assert float(table.lower_limit) < mean


def test_what_the_table_holds(tmp_path: Path) -> None:
    table = found_in(sample(1.0, unc=0.01), uncertainties=None)
    for name in ("thickness", "coverage", "mean_thickness", "equivalent_thickness"):
        assert f"{name}_unc" in table
    assert table.observed.attrs["units"] == "counts/s eV"
    share = dict(zip(table.line.values.tolist(), table.film_share.values.tolist(), strict=True))
    assert share["Zr 3d"] == pytest.approx(0.0, abs=1e-9)
    assert 0.3 < share["Na 1s"] < 1
    table.to_netcdf(tmp_path / "film.nc")
    with xr.open_dataset(tmp_path / "film.nc") as again:
        ss.check(again.load(), "table")
        assert float(again.thickness) == float(table.thickness)


def test_refusals() -> None:
    fits = sample(1.0)
    failed = {**fits, "Na 1s": fits["Na 1s"].assign(verdict=xr.DataArray("failed"), reasons=xr.DataArray("not finite"))}
    with pytest.raises(NotDeterminedError, match="Na 1s failed"):
        found_in(failed)
    assert np.isfinite(found_in(failed, lines=("Zr 3d", "P 2p")).thickness)
    for options, words in (
        ({"emission_angle": 95.0}, "emission_angle"),
        ({"model": "domed"}, "patchy"),
        ({"attenuation": "S9"}, "S3"),
        ({"film": "unobtainium"}, "material"),
        ({"lines": ("K 2p",)}, "lines"),
        ({"lines": ("Zr 3d",)}, "nothing about a film"),
        ({"lines": ("Zr 3d", "Si 2p")}, "same proportion"),
        ({"states": {"x": "sky"}}, "no layer"),
        ({"contamination": "adventitious carbon"}, "C 1s"),
        ({"uncertainties": {"film_lenght": 0.1}}, "film_length"),
        ({"uncertainties": {"density": -1.0}}, "density"),
        ({"film": "ZnO", "substrate": "SnO2", "lines": ("Zr 3d", "P 2p")}, "neither film nor substrate"),
        ({"level": 1.0}, "level"),
        ({"level": "a"}, "level is 'a'"),
        ({"emission_angle": 89.999}, "beyond 80"),
        ({"emission_angle": np.nan}, "emission_angle is nan"),
        ({"film": BULK}, "film and substrate are both"),
        ({"uncertainties": "a"}, "uncertainties is a str"),
        ({"states": ["a"]}, "states is a list"),
        ({"states": {"no such": "film"}}, "no fit has the state 'no such'"),
        ({"transmission": "foo"}, "transmission is 'foo'"),
        ({"bare_substrate": {"C 1s": fits["Zr 3d"]}}, "it has C 1s and the sample Zr 3d"),
        ({"thick_film": 3}, "thick_film"),
    ):
        with pytest.raises(InputError, match=words):
            found_in(fits, **options)


def test_an_element_and_its_oxide_are_not_exchanged() -> None:
    """Silicon at 99.3 eV below its oxide at 103.4 eV; cadmium's oxide lies below the metal and is let pass."""
    fit = fit_of("Si 2p", 0.0, lines={"oxide": 3e3, "element": 5e3})
    fit["center"] = fit["center"].copy(data=[103.4, 99.3])
    known = {"film": "SiO2", "substrate": "Si", "uncertainties": EXACT}
    right = ss.xps.thickness({"Si 2p": fit}, states={"oxide": "film", "element": "substrate"}, **known)
    assert float(right.thickness) > 1.0
    exchanged = {"oxide": "substrate", "element": "film"}
    with pytest.raises(InputError, match=r"pure element would lie 4\.10 eV above"):
        ss.xps.thickness({"Si 2p": fit}, states=exchanged, **known)
    turned = {**known, "film": "Si", "substrate": "SiO2"}
    assert np.isfinite(ss.xps.thickness({"Si 2p": fit}, states=exchanged, **turned).thickness)


@pytest.mark.parametrize(("angle", "verdict"), [(64.0, "ok"), (70.0, "check")])
def test_beyond_65_degrees_a_reason_says_that_lines_bend(angle: float, verdict: str) -> None:
    table = found_in(sample(0.8, angle=angle), emission_angle=angle)
    assert table.verdict.item() == verdict
    assert ("do not fly straight at 70 degrees" in table.reasons.item()) is (verdict == "check")
    assert float(table.thickness) == pytest.approx(0.8, rel=0.01)


def test_a_line_that_is_not_there_counts_as_zero_with_its_uncertainty() -> None:
    """Silicon hidden below a thick film: its fit shows no peak, which is information."""
    fits = sample(9.0, regions=("Zr 3d", "Na 1s", "P 2p"), unc=0.01)
    hidden = fit_of("Si 2p", 1e4 * by_depth("Si 2p", 9.0, 1.0))
    noise = 1e4 * by_depth("Si 2p", 0.0, 1.0) * 0.05
    hidden["area_covariance"] = hidden["area_covariance"].copy(data=[[noise**2]])
    hidden["verdict"], hidden["reasons"] = xr.DataArray("failed"), xr.DataArray("no peak detected")
    table = found_in({**fits, "Si 2p": hidden})
    assert float(table.thickness) == pytest.approx(9.0, rel=0.1)
    assert table.verdict.item() == "check"
