"""The share of a chemical state: coverage of limits and intervals on simulated spectra, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy.special import voigt_profile

import surfspec as ss
from surfspec.errors import InputError, NotDeterminedError
from surfspec.xps.model import build
from surfspec.xps.questions.profiled_fraction import AtFraction, Shares, log_cls
from surfspec.xps.questions.states import without

X = np.round(np.arange(174.0, 192.0001, 0.1), 4)
ONE = ss.xps.load_recipe("Zr 3d")
OXIDE = ONE.doublets[0]
SAME = {role: ss.xps.Range(follows="Zr4+") for role in ("fwhm_gauss", "fwhm_lorentz")}


def recipe(center: ss.xps.Range) -> ss.xps.Recipe:
    """Zr4+ with a reduced state whose widths and splitting are its own."""
    lower = replace(
        OXIDE, name="Zr2+", species="Zr2+", center=center, splitting=ss.xps.Range(follows="Zr4+"), widths=SAME
    )
    return replace(ONE, doublets=(OXIDE, lower))


KNOWN = recipe(ss.xps.Range(follows="Zr4+", offset=-2.0))
WITHIN = recipe(ss.xps.Range(180.4, 179.4, 181.2))


def counts(rng: np.random.Generator, share: float, *, total: float = 5000.0, level: float = 300.0) -> xr.Dataset:
    """Zr4+ at 182.4 and a share of another state 2 eV below, over their Shirley background; simulated."""
    fine = np.arange(150.0, 195.0, 0.01)

    def peaks(at: np.ndarray) -> np.ndarray:
        states = ((1 - share, 182.4), (share, 180.4))
        return sum(
            total * part * half * voigt_profile(at - c - apart, 1.2 / 2.3548, 0.15)
            for part, c in states
            for half, apart in ((0.6, 0.0), (0.4, 2.41))
        )

    mean = level + peaks(X) + 0.03 * np.interp(X, fine, np.cumsum(peaks(fine)) * 0.01)
    return ss.spectrum(X, rng.poisson(mean).astype(float), technique="XPS", region="Zr 3d", simulated="true")


def test_cls_is_that_of_the_normal_distribution() -> None:
    """Against the closed form for an estimate x ~ N(f, 1): CLs = Phi(x - f) / Phi(x), f not below 0."""
    from scipy.stats import norm

    for x in (-1.5, -0.3, 0.0, 0.8, 2.5):
        for f in (0.5, 1.7, 4.0):
            if f <= x:
                continue
            rise = (x - f) ** 2 if x > 0 else (x - f) ** 2 - x**2  # the best share is max(x, 0)
            assert np.exp(log_cls(rise, f**2)) == pytest.approx(norm.cdf(x - f) / norm.cdf(x), rel=1e-9)


def test_the_held_share_is_held_and_its_derivatives_are_right() -> None:
    one = ss.xps.solve(counts(np.random.default_rng(0), 0.1), WITHIN, energy_shift=0.0)
    shares = Shares.of(build(WITHIN).model, (2, 3), (0, 1, 2, 3), "Zr2+ area")
    held = AtFraction(one.problem, shares, 0.2)
    values = np.array(one.solution.values)
    own, _, total, _ = shares.sums(held.full(values))
    assert own / total == pytest.approx(0.2, rel=1e-12)
    exact, scale = held.jacobian(values), np.abs(held.evaluate(values)[: X.size // 2]).max()
    for j, parameter in enumerate(one.problem.parameters):
        if parameter.vary and parameter.name != "Zr2+ area":
            step = 1e-6 * max(1.0, abs(values[j]))
            up, down = values.copy(), values.copy()
            up[j], down[j] = up[j] + step, down[j] - step
            numeric = (held.evaluate(up) - held.evaluate(down))[:100] / (2 * step)
            np.testing.assert_allclose(exact[:100, j], numeric, atol=2e-5 * scale, err_msg=parameter.name)
    assert not exact[:, shares.area].any()


@pytest.mark.slow
@pytest.mark.parametrize(("share", "seen"), [(0.0, 0.0), (0.01, 0.1), (0.1, 1.0)])
def test_limits_cover_and_intervals_are_honest(share: float, seen: float) -> None:
    """Nothing, two standard uncertainties, and far more; 200 spectra each gave 100, 98.5 and 93 % (95 % promised)."""
    rng, n = np.random.default_rng(5), 60
    found = [ss.xps.state_fraction(counts(rng, share), KNOWN, "Zr2+", energy_shift=0.0) for _ in range(n)]
    limit = np.array([float(one.upper_limit) for one in found])
    assert np.mean(limit >= share) >= 0.88  # 0.95 less 2.5 standard deviations of sixty
    assert 0.005 < np.median(limit - share) < 0.02  # a limit that excludes nothing would cover as well
    assert abs(np.mean([one.answer.item() == "detected" for one in found]) - seen) < 0.2
    if share:
        values = np.array([float(one.fraction) for one in found])
        unc = np.array([float(one.fraction_unc) for one in found])
        assert abs(values.mean() - share) < 3 * values.std() / np.sqrt(n)
        assert unc.mean() == pytest.approx(values.std(), rel=0.3)
        inside = [float(one.fraction_low) <= share <= float(one.fraction_high) for one in found]
        assert 0.5 <= np.mean(inside) <= 0.86


def test_a_range_for_the_place_makes_the_limit_wider() -> None:
    data = counts(np.random.default_rng(7), 0.0)
    known = ss.xps.state_fraction(data, KNOWN, "Zr2+", energy_shift=0.0)
    within = ss.xps.state_fraction(data, WITHIN, "Zr2+", energy_shift=0.0)
    assert 0 < float(known.upper_limit) < float(within.upper_limit) < 0.05
    assert "less than" in known.statement.item()
    assert "95 % confidence" in known.statement.item()
    looser = ss.xps.state_fraction(data, KNOWN, "Zr2+", energy_shift=0.0, confidence=0.68)
    assert float(looser.upper_limit) < float(known.upper_limit)


def test_a_clear_state_is_detected_where_it_is(tmp_path: Path) -> None:
    found = ss.xps.state_fraction(counts(np.random.default_rng(8), 0.1), WITHIN, "Zr2+", energy_shift=0.0)
    assert found.answer.item() == "detected"
    assert abs(float(found.fraction) - 0.1) < 4 * float(found.fraction_unc)
    assert float(found.fraction_low) < float(found.fraction) < float(found.fraction_high) < float(found.upper_limit)
    assert (float(found.fraction_high) - float(found.fraction_low)) / 2 == pytest.approx(
        float(found.fraction_unc), rel=0.3
    )
    assert abs(float(found.position) - 180.4) < 0.3
    assert found.attrs["simulated"] == "true"
    found.to_netcdf(tmp_path / "t.nc")
    xr.testing.assert_identical(xr.load_dataset(tmp_path / "t.nc"), found)


def test_simulated_p_values_know_both_answers() -> None:
    options = {"energy_shift": 0.0, "replicates": 99, "seed": 1}
    nothing = ss.xps.state_fraction(counts(np.random.default_rng(9), 0.0), WITHIN, "Zr2+", **options)
    much = ss.xps.state_fraction(counts(np.random.default_rng(9), 0.1), WITHIN, "Zr2+", **options)
    assert float(nothing.p_value) > 0.02
    assert float(much.p_value) == pytest.approx(0.01)
    assert "simulated" in much.p_value_by.item()
    assert (nothing.answer.item(), much.answer.item()) == ("upper limit", "detected")


def test_a_series_gives_a_row_for_each() -> None:
    rng = np.random.default_rng(10)
    series = ss.stack([counts(rng, 0.0), counts(rng, 0.1)], dim="cycle")
    found = ss.xps.state_fraction(series, KNOWN, "Zr2+", energy_shift=0.0)
    assert found.answer.dims == ("cycle",)
    assert found.answer.values.tolist() == ["upper limit", "detected"]
    alone = ss.xps.state_fraction(series.isel(cycle=1), KNOWN, "Zr2+", energy_shift=0.0)
    assert float(found.upper_limit[1]) == pytest.approx(float(alone.upper_limit), rel=1e-6)


def test_given_uncertainties_give_the_same_limit_about() -> None:
    data = counts(np.random.default_rng(11), 0.0)
    known = data.assign_attrs(statistics="given")
    known["intensity_unc"] = ((data.intensity + 1) ** 0.5).assign_attrs(data.intensity.attrs)
    one = ss.xps.state_fraction(data, KNOWN, "Zr2+", energy_shift=0.0)
    two = ss.xps.state_fraction(known, KNOWN, "Zr2+", energy_shift=0.0)
    unknown = ss.xps.state_fraction(data.assign_attrs(statistics="unknown"), KNOWN, "Zr2+", energy_shift=0.0)
    for other in (two, unknown):
        assert float(other.upper_limit) == pytest.approx(float(one.upper_limit), rel=0.4)
    assert "statistics unknown" in unknown.reasons.item()


def test_what_cannot_be_asked_is_refused() -> None:
    data = counts(np.random.default_rng(12), 0.0)
    with pytest.raises(InputError, match="no 'Zr3\\+'"):
        ss.xps.state_fraction(data, KNOWN, "Zr3+")
    with pytest.raises(InputError, match="is all that the recipe has"):
        ss.xps.state_fraction(data, ONE, "Zr4+")
    with pytest.raises(InputError, match="confidence"):
        ss.xps.state_fraction(data, KNOWN, "Zr2+", confidence=95)
    with pytest.raises(InputError, match="replicates"):
        ss.xps.state_fraction(data, KNOWN, "Zr2+", replicates=-1)
    for option in ({"seed": -1}, {"seed": "a"}, {"engine": "foo"}, {"replicates": True}):
        with pytest.raises(InputError, match=next(iter(option))):
            ss.xps.state_fraction(data, KNOWN, "Zr2+", **option)
    with pytest.raises(InputError, match="no spectrum"):
        ss.xps.state_fraction(None, KNOWN, "Zr2+")  # type: ignore[arg-type]
    tied = replace(KNOWN.doublets[1], area=ss.xps.AreaRatio("Zr4+", 0.1))
    with pytest.raises(InputError, match="tied"):
        ss.xps.state_fraction(data, replace(KNOWN, doublets=(OXIDE, tied)), "Zr2+")
    with pytest.raises(InputError, match="follows"):
        without(KNOWN, "Zr4+")
    dark = data.assign(intensity=(data.intensity * 0 + 100).assign_attrs(data.intensity.attrs))
    with pytest.raises(NotDeterminedError, match="failed"):
        ss.xps.state_fraction(dark, KNOWN, "Zr2+", energy_shift=0.0)


@pytest.mark.parametrize("twin", ["one_percent", "three_percent", "absent"])
def test_no_limit_is_stated_on_an_unknown_energy_scale(twin: str) -> None:
    """Twins moved beyond the recipe's shift_search said "less than 0.42 %" of 1 %, and "less than 0.03 %" of 3 %."""
    raw = ss.read(ss.reference.path("xps_twins") / f"x6_{twin}.vms", region="Zr 3d")
    states = ss.xps.load_recipe(ss.reference.path("recipes", "xps", "states", "Zr_3d_reduced.yaml"))
    alone = ss.xps.fit(raw, "Zr 3d", shift_search=4)
    right = ss.xps.charge_correct(raw, alone, line="Zr 3d5/2", energy=182.4)
    x, y = right.binding_energy.values, right.intensity.values
    for extra in (1.8, 2.3, 3.0):
        moved = ss.spectrum(x + extra, y, technique="XPS", region="Zr 3d", photon_energy=1486.6, simulated="true")
        with pytest.raises(NotDeterminedError, match="charge"):
            ss.xps.state_fraction(moved, states, "Zr(<4)+")
    forced = ss.xps.state_fraction(moved, states, "Zr(<4)+", force=True)
    assert "; the fit is doubtful: " in forced.statement.item()
    below = ss.spectrum(x - 1.5, y, technique="XPS", region="Zr 3d", photon_energy=1486.6, simulated="true")
    turned = ss.xps.state_fraction(below, states, "Zr(<4)+", force=True)  # all of the line where the reduced state lies
    assert "below detection: Zr4+" in turned.statement.item()
    known = ss.xps.state_fraction(right, states, "Zr(<4)+")
    assert "doubtful" not in known.statement.item()
    truth = {"one_percent": 0.01, "three_percent": 0.03, "absent": 0.0}[twin]
    assert float(known.fraction_low) - 2 * 0.0016 <= truth <= float(known.upper_limit)


def test_what_the_fit_says_against_itself_is_in_the_statement() -> None:
    """A share on a shape that is not quite right: chi-square says so, and so must the sentence."""
    rng = np.random.default_rng(13)
    data = counts(rng, 0.1, total=60000.0)
    wide = replace(
        WITHIN, doublets=(replace(OXIDE, widths={"fwhm_gauss": 1.2, "fwhm_lorentz": 0.55}), WITHIN.doublets[1])
    )
    found = ss.xps.state_fraction(data, wide, "Zr2+", energy_shift=0.0, force=True)
    assert found.verdict.item() == "check"
    assert "; the fit is doubtful: " in found.statement.item()
    assert "chi-square improbable" in found.statement.item()
    with pytest.raises(NotDeterminedError, match="does not describe"):
        ss.xps.state_fraction(data, wide, "Zr2+", energy_shift=0.0)
    series = ss.stack([data, data], dim="cycle")
    with pytest.raises(NotDeterminedError, match="cycle 0"):
        ss.xps.state_fraction(series, wide, "Zr2+", energy_shift=0.0)
