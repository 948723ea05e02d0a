"""Pairs and series of simulated patterns with known truth: changes, fractions, trends."""

import dataclasses

import numpy as np
import pytest

import surfspec as ss
from surfspec import reference, schema, xrd
from surfspec.errors import InputError, SurfspecError
from surfspec.xrd.patterns.profile import Caglioti
from surfspec.xrd.series.difference import threshold
from surfspec.xrd.series.trend import cell_lengths

SHAPE = Caglioti(0.006, -0.004, 0.012, 0.5)
CO = np.arange(15.0, 100.0, 0.03)
CU = np.arange(18.0, 80.0, 0.03)
CANDIDATES = ("NZSP_C2c", "ZrO2_m", "Pb_fcc", "Na_bcc", "Na15Pb4", "ZrSiO4")


def drawn(name, x, wavelength, *, zero=0.0, strain=0.0):
    """Pattern of a card, one mass unit, every cell length enlarged by the strain."""
    card = xrd.phases([name])[0]
    a, b, c, *angles = card.cell
    card = dataclasses.replace(card, cell=(a * (1 + strain), b * (1 + strain), c * (1 + strain), *angles))
    scale = 1.0 / xrd.phases([name])[0].density
    return xrd.pattern(card, wavelength=wavelength, two_theta=x, profile=SHAPE, zero=zero, scale=scale).intensity.values


BASE = [0.9 * drawn("NZSP_C2c", CO, "CoKa", zero=z) + 0.1 * drawn("ZrO2_m", CO, "CoKa", zero=z) for z in (0.0, 0.04)]
LEAD = drawn("Pb_fcc", CO, "CoKa", zero=0.04)
TOP = 4000.0 / BASE[0].max()


def pair(seed, *, lead=0.0, base=BASE):
    """Before and after: other dwell time, line shift and background; `lead` is its weight over that of the rest."""
    rng = np.random.default_rng(seed)
    background = 80.0 + 1800.0 / CO
    counts = (
        rng.poisson(TOP * base[0] + background),
        rng.poisson(0.8 * TOP * (base[1] + lead * LEAD) + 1.2 * background),
    )
    return [ss.spectrum(CO, one, technique="XRD", simulated="true", wavelength_name="CoKa") for one in counts]


def test_false_alarms_of_pairs_that_differ_by_noise():
    """40 pairs, 10 % asked: 4 expected, binomial standard deviation 1.9."""
    cards = xrd.phases(["Pb_fcc", "Na_bcc", "Na15Pb4", "ZrSiO4"])
    lines = phases = 0
    for seed in range(40):
        found = xrd.changes(*pair(seed), phases=cards, false_alarm=0.1)
        lines += found.sizes["line"] > 0
        phases += bool((found.phase_change == "more").any())
    assert 1 <= lines <= 10
    assert phases <= 10


def test_factor_and_shift_of_a_pair():
    pulls = []
    for seed in range(12):
        found = xrd.changes(*pair(seed)).attrs
        pulls.append([(found["intensity_ratio"] - 0.8) / found["intensity_ratio_unc"],
                      (found["shift"] - 0.04) / found["shift_unc"]])  # fmt: skip
    assert np.abs(np.mean(pulls, axis=0)).max() < 1.0
    assert np.abs(pulls).max() < 3.5


def test_half_a_percent_of_lead_is_seen_by_its_lines():
    found = xrd.changes(*pair(7, lead=0.005), phases=["Pb_fcc", "Na_bcc", "ZrSiO4"])
    assert schema.check(found, "table").attrs["simulated"] == "true"
    first = found.isel(line=0)
    assert first.change.item() == "appeared"
    assert first.line_two_theta.item() == pytest.approx(36.5, abs=0.1)
    assert first.d.item() == pytest.approx(2.858, abs=0.01)
    assert found.phase_change.values.tolist() == ["more", "none", "none"]
    assert "Lead" in found.attrs["conclusion"]
    gone = xrd.changes(*pair(7, lead=0.005)[::-1])
    assert gone.change.values[0] == "vanished"


def test_power_against_weight_fraction_and_limits_that_cover():
    """A tenth of a per cent of lead, 6 pairs: found by all lines at once; 95 % limits hold the truth."""
    before, after = pair(0)
    matches = tuple(xrd.match(one, phases=list(CANDIDATES)) for one in (before, after))
    seen, covered = 0, 0
    for seed in range(6):
        found = xrd.changes(
            *pair(100 + seed, lead=0.001), matches=matches, phases=["Pb_fcc", "Na_bcc"], false_alarm=0.05
        )
        row = found.sel(candidate="Pb_fcc")
        seen += row.phase_change.item() == "more"
        covered += row.weight_fraction_limit.item() > 0.001
    assert seen >= 5
    assert covered >= 5
    none = xrd.changes(before, after, matches=matches)
    assert none.attrs["conclusion"].startswith("no new line above")
    assert none.weight_fraction_limit.sel(candidate="Pb_fcc").item() < 0.001


def test_a_change_of_texture_is_no_new_phase():
    """Lines of the same phases 15 % up or down: the scatter is read off the data and nothing appears."""
    rng = np.random.default_rng(2)
    card = xrd.phases(["corundum"])[0]
    lines = xrd.pattern(card, wavelength="CoKa1", two_theta=(CO[0], CO[-1]), threshold=1e-4)
    place, area = lines.reflection_two_theta.values, lines.area.values

    def made(factor):
        width = SHAPE.fwhm(place)
        return np.sum(area * factor / width * np.exp(-4 * np.log(2) * ((CO[:, None] - place) / width) ** 2), axis=1)

    factor = np.maximum(1 + 0.15 * rng.standard_normal(len(place)), 0.3)
    y = [made(1.0), made(factor)]
    top = 20000.0 / y[0].max()
    both = [ss.spectrum(CO, rng.poisson(top * one + 100), technique="XRD", wavelength_name="CoKa1") for one in y]
    found = xrd.changes(*both, phases=["Pb_fcc", "Na_bcc"])
    # the same relative error all over a line of N points: eps = |deviation| / 0.67 / sqrt(N) for the median line
    away = np.median(np.abs(factor / np.median(factor) - 1)) / 0.6745
    expected = away / np.sqrt(np.median(SHAPE.fwhm(place)) / 0.03)
    assert 0.4 * expected < found.attrs["model_error"] < 2.5 * expected
    assert not {"appeared", "vanished"} & set(found.change.values.tolist())
    assert (found.phase_change == "none").all()


@pytest.mark.parametrize("first", ["polished_before.xy", "polished_coated.xy"])
def test_strong_new_lines_make_no_others_vanish(first):
    """The shipped pellet keeps its phases when sodium wets it: gaps between the tails of new lines are no losses."""
    folder = reference.path("nasicon_study") / "xrd"
    found = xrd.changes(ss.read(folder / first), ss.read(folder / "polished_after.xy"), wavelength="CuKa1")
    words = found.change.values.tolist()
    assert words.count("appeared") >= 30
    assert not {"vanished", "shrank"} & set(words)


def test_patterns_on_other_grids():
    before, after = pair(3, lead=0.01)
    coarse = before.isel(two_theta=slice(0, None, 2))
    found = xrd.changes(coarse, after.isel(two_theta=slice(100, 2600)))
    assert found.change.values[0] == "appeared"
    assert found.attrs["intensity_ratio"] == pytest.approx(0.8, abs=0.03)


def test_level_follows_the_false_alarm_rate():
    """Rice: twice (rate exp(-u^2/2) + Q(u)) is the probability asked for."""
    u, sigma = threshold(80.0, 0.12, 0.01), 0.12 / np.sqrt(8 * np.log(2))
    assert 2 * 80 / (2 * np.pi * np.sqrt(2) * sigma) * np.exp(-(u**2) / 2) == pytest.approx(0.01, rel=0.01)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a, b: ((a.isel(two_theta=slice(0, 100)), b), {}), "share"),
        (lambda a, b: ((a, b), {"false_alarm": 0.9}), "false_alarm"),
        (lambda a, b: ((a.assign_attrs(wavelength_name="CuKa"), b), {}), "measured with"),
        (lambda a, b: ((a, b.expand_dims(time=2)), {}), "two single patterns"),
    ],
)
def test_pairs_that_cannot_be_compared(change, message):
    arguments, keywords = change(*pair(0))
    with pytest.raises(InputError, match=message):
        xrd.changes(*arguments, **keywords)


TEMPERATURE = np.linspace(300.0, 900.0, 25)
#: Linear expansion per kelvin against the middle of the series.
ALPHA = {"corundum": 8e-6, "ZnO": -5e-6, "rutile": 0.0}
GROWTH = np.where(TEMPERATURE < 500.0, 0.0, (TEMPERATURE - 480.0) / 1000.0)


@pytest.fixture(scope="module")
def heated():
    """A series in which zincite comes between 475 and 500 K and corundum goes down, cells expanding."""
    y = []
    for t, w in zip(TEMPERATURE, GROWTH, strict=True):
        parts = {"corundum": 0.7 - w, "ZnO": w, "rutile": 0.3}
        grown = {name: drawn(name, CU, "CuKa", zero=0.03, strain=ALPHA[name] * (t - 600.0)) for name in parts}
        y.append(sum(share * grown[name] for name, share in parts.items()))
    made = np.array(y)
    counts = np.random.default_rng(4).poisson(made * 3000.0 / made.max() + 80.0)
    return ss.spectrum(
        CU, counts, technique="XRD", dims=("temperature",), simulated="true", wavelength_name="CuKa",
        coords={"temperature": ("temperature", TEMPERATURE, {"units": "K"})},
    )  # fmt: skip


@pytest.fixture(scope="module")
def fitted(heated):
    return xrd.fractions(heated, ["corundum", "ZnO", "rutile"])


def test_fractions_of_many_patterns(fitted):
    truth = np.stack([0.7 - GROWTH, GROWTH, np.full(len(GROWTH), 0.3)], axis=1)
    error = fitted.weight_fraction.values - truth
    assert np.abs(error).max() < 0.02
    assert not [reason for reason in fitted.reasons.values if "not converged" in reason]
    late = GROWTH > 0.05
    for number in range(3):
        # what all patterns have in common (line shape) bends slowly; the scatter about it is what is stated
        left = error[late, number] - np.polyval(np.polyfit(GROWTH[late], error[late, number], 2), GROWTH[late])
        assert np.std(left / fitted.weight_fraction_unc.values[late, number]) < 1.3
    assert fitted.attrs["simulated"] == "true"
    assert (fitted.reduced_chi2 < 2.0).all()


def test_strains_follow_the_expansion(fitted):
    found = xrd.follow(fitted)
    for name, alpha in ALPHA.items():
        row = found.sel(phase=name).isel(axis=0)
        assert row.cell_slope.item() == pytest.approx(alpha, abs=max(4 * row.cell_slope_unc.item(), 2e-7))


def test_where_a_phase_appears(fitted):
    found = xrd.follow(fitted)
    row = found.sel(phase="ZnO")
    assert row.appears.item() == pytest.approx(487.5, abs=26.0)
    assert row.appears_unc.item() >= 25.0 / np.sqrt(12.0) - 1e-9
    assert np.isnan(row.vanishes)
    assert np.isnan(found.appears.sel(phase="corundum"))
    assert (found.present.sel(phase="ZnO").values[:8] <= 0).all()
    assert schema.check(found, "table").attrs["simulated"] == "true"


def test_order_changes_no_answer(heated, fitted):
    turned = xrd.fractions(heated.isel(temperature=slice(None, None, -1)), ["corundum", "ZnO", "rutile"])
    back = turned.isel(temperature=slice(None, None, -1))
    assert back.weight_fraction.values == pytest.approx(fitted.weight_fraction.values, abs=1e-6)


def test_fractions_are_quantified_and_balanced(fitted):
    table = xrd.quantify(fitted)
    truth = np.stack([0.7 - GROWTH, GROWTH, np.full(len(GROWTH), 0.3)], axis=1)
    assert np.nanmax(np.abs((table.weight_fraction - truth) / table.weight_fraction_unc).values) < 3.0
    assert table.weight_fraction.values == pytest.approx(fitted.weight_fraction.values, abs=1e-9)
    assert (table.weight_fraction_unc.values[-1] > fitted.weight_fraction_unc.values[-1]).all()
    assert xrd.composition(table).atomic_fraction.sum("element").values == pytest.approx(1.0)


def test_a_match_of_a_series_is_followed(heated):
    few = heated.isel(temperature=[0, 4, 16, 24])
    found = xrd.follow(xrd.match(few, phases=["corundum", "ZnO", "rutile"]))
    assert found.appears.sel(phase="ZnO").item() == pytest.approx(550.0)  # between 400 and 700 K
    slope = found.cell_slope.sel(phase="corundum", axis="a").item()
    assert slope == pytest.approx(ALPHA["corundum"], abs=2e-6)


def test_maps_and_progress(heated):
    grid = heated.isel(temperature=slice(0, 6)).drop_vars("temperature")
    wafer = ss.spectrum(
        CU, grid.intensity.values.reshape(2, 3, -1), technique="XRD", dims=("y", "x"), wavelength_name="CuKa"
    )
    told = []
    found = xrd.fractions(wafer, ["corundum", "rutile"], progress=lambda done, total: told.append((done, total)))
    assert found.weight_fraction.dims == ("y", "x", "phase")
    assert told[-1] == (6, 6)
    with pytest.raises(InputError, match="one dimension"):
        xrd.follow(found)
    assert xrd.follow(found.isel(y=0)).sizes["x"] == 3


def test_a_missing_phase_is_named(heated):
    found = xrd.fractions(heated.isel(temperature=slice(20, 25)), ["corundum", "rutile"])
    assert "model inadequate" in str(found.reasons.values[-1])


def test_series_that_cannot_be_fitted(heated):
    for arguments, message in (
        ((heated.isel(temperature=0), ["corundum"]), "series of patterns"),
        ((heated, []), "no phase"),
    ):
        with pytest.raises(InputError, match=message):
            xrd.fractions(*arguments)
    few = heated.isel(temperature=slice(0, 3)).assign_coords(
        temperature=("temperature", np.full(3, 300.0), {"units": "K"})
    )
    same = xrd.fractions(few, ["corundum", "rutile"])
    with pytest.raises(InputError, match="different numbers"):
        xrd.follow(same)


def test_cell_lengths_of_all_systems():
    for name in ("Pb_fcc", "corundum", "rutile", "Na2CO3_gamma", "brookite", "ZrO2_m"):
        card = xrd.phases([name])[0]
        lines = xrd.pattern(card, wavelength="CuKa1", two_theta=(10, 70))
        hkl = np.stack([lines[index].values for index in "hkl"], axis=1)
        assert cell_lengths(hkl, lines.d.values, card.space_group) == pytest.approx(card.cell[:3], rel=1e-6)


@pytest.mark.parametrize(("top", "bottom"), [(30, 10), (80, 100), (80, 0.3), (200, 300)])
def test_weak_patterns_of_one_sample_do_not_differ(top, bottom):
    """Two draws of one pattern: 1 % of pairs may show a line, and the factor is 1 within what is stated."""
    x = np.arange(20.0, 70.0, 0.02)
    y = drawn("corundum", x, "CuKa1")
    y = top * y / y.max() + bottom
    rng = np.random.default_rng(11)
    told = []
    for _ in range(10):
        both = [ss.spectrum(x, rng.poisson(y), technique="XRD", wavelength_name="CuKa1") for _ in range(2)]
        told.append(xrd.changes(*both))
    assert sum(one.sizes["line"] > 0 for one in told) <= 1
    assert {one.attrs["verdict"] for one in told if not one.sizes["line"]} == {"ok"}
    pulls = [(one.attrs["intensity_ratio"] - 1.0) / one.attrs["intensity_ratio_unc"] for one in told]
    assert abs(np.mean(pulls)) < 1.0
    assert np.abs(pulls).max() < 3.5


def test_patterns_that_do_not_lie_over_each_other():
    """Displaced by half a degree: nothing is concluded; matches of both lay them over each other."""
    moved = drawn("NZSP_C2c", CO, "CoKa", zero=0.5)
    rng, still = np.random.default_rng(6), drawn("NZSP_C2c", CO, "CoKa")
    both = [ss.spectrum(CO, rng.poisson(3000 * one / still.max() + 80), technique="XRD", wavelength_name="CoKa")
            for one in (still, moved)]  # fmt: skip
    found = xrd.changes(*both, phases=["Pb_fcc"])
    assert found.attrs["verdict"] in ("check", "failed")
    assert "shift" in found.attrs["reasons"] or "intensity_ratio" in found.attrs["reasons"]
    assert "nothing is concluded" in found.attrs["conclusion"]
    assert found.phase_change.item() == "not determined"


def test_matches_lay_patterns_over_each_other():
    """Half the first pattern is gone and as much of others came: common lines tell factor and shift."""
    cards = {name: drawn(name, CU, "CuKa") for name in ("corundum", "ZnO")}
    late = {name: drawn(name, CU, "CuKa", zero=0.06) for name in ("corundum", "CaF2")}
    rng = np.random.default_rng(8)
    first, second = 0.3 * cards["corundum"] + 0.7 * cards["ZnO"], 0.3 * late["corundum"] + 0.7 * late["CaF2"]
    both = [ss.spectrum(CU, rng.poisson(6000 * one / first.max() + 60), technique="XRD", wavelength_name="CuKa")
            for one in (first, second)]  # fmt: skip
    matches = tuple(xrd.match(one, phases=["corundum", "ZnO", "CaF2", "rutile"]) for one in both)
    found = xrd.changes(*both, matches=matches)
    assert found.attrs["intensity_ratio"] == pytest.approx(1.0, abs=0.1)
    assert found.attrs["shift"] == pytest.approx(0.06, abs=0.02)
    words = dict(zip(found.candidate.values.tolist(), found.phase_change.values.tolist(), strict=True))
    assert (words["CaF2"], words["ZnO"], words["rutile"]) == ("more", "less", "none")
    assert found.weight_fraction_limit.sel(candidate="CaF2").item() > 0.6  # the truth is 0.7
    apart = xrd.changes(*both, matches=tuple(xrd.match(one, phases=[name]) for one, name in
                                             zip(both, ("ZnO", "CaF2"), strict=True)))  # fmt: skip
    assert "no phase in common" in apart.attrs["reasons"]


def test_a_line_plainly_there_before_grew():
    """Lead doubled from 2 to 4 wt%: its strongest line was at 30 sigma before."""
    base = [BASE[0] + 0.02 * drawn("Pb_fcc", CO, "CoKa"), BASE[1]]
    found = xrd.changes(*pair(5, lead=0.04, base=base))
    line = found.isel(line=int(np.argmin(np.abs(found.line_two_theta.values - 36.5))))
    assert line.change.item() == "grew"
    gone = xrd.changes(*pair(5, lead=0.04, base=base)[::-1])
    line = gone.isel(line=int(np.argmin(np.abs(gone.line_two_theta.values - 36.5))))
    assert line.change.item() == "shrank"


def test_tables_are_saved_and_loaded(heated, fitted, tmp_path):
    both = pair(7, lead=0.005)
    matches = tuple(xrd.match(one, phases=["NZSP_C2c", "ZrO2_m", "Pb_fcc"]) for one in both)
    found = xrd.quantify(fitted)
    tables = {
        "changes": xrd.changes(*both, matches=matches), "no_matches": xrd.changes(*both, phases=["Pb_fcc"]),
        "fractions": fitted, "follow": xrd.follow(fitted), "quantify": found, "composition": xrd.composition(found),
        "standard": xrd.quantify(matches[1], standard={"ZrO2_m": 0.05}),
    }  # fmt: skip
    ss.save(ss.bundle(tables=tables), tmp_path / "study.nc")
    back = ss.load(tmp_path / "study.nc")
    for name, table in tables.items():
        assert back[f"tables/{name}"].to_dataset().identical(table), name


def test_a_phase_that_is_not_there_has_an_uncertainty(fitted):
    absent = fitted.weight_fraction.sel(phase="ZnO").values == 0
    unc = fitted.weight_fraction_unc.sel(phase="ZnO").values
    assert np.all(np.isfinite(unc))
    assert unc[absent] == pytest.approx(fitted.detection_limit.sel(phase="ZnO").values[absent] / 3, rel=0.02)


def test_gaps_and_patterns_without_signal():
    before, after = pair(3)
    hole = before.isel(two_theta=np.flatnonzero((CO < 30.0) | (CO > 45.0)))
    for both in ((hole, after), (after, hole), (hole, hole)):
        assert xrd.changes(*both).sizes["line"] == 0
    flat = ss.spectrum(CO, np.full(len(CO), 50), technique="XRD", wavelength_name="CoKa")
    with pytest.raises(InputError, match="no signal"):
        xrd.changes(flat, after)
    for wrong in (before, (before, after), 5, "ab"):
        with pytest.raises(SurfspecError, match=r"two matches|is a spectrum"):
            xrd.changes(before, after, matches=wrong)
    with pytest.raises(InputError, match="no phase"):
        xrd.changes(before, after, phases=[5])
