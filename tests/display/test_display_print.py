"""Pictures for print: their numbers are those of the fits, their texts do not cover each other."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text
from scipy.optimize import minimize

import surfspec as ss
from surfspec import display
from surfspec.display import areas, labels, placing, style
from surfspec.display.laid_over import overlay
from surfspec.errors import InputError, NotDeterminedError, SurfspecError
from surfspec.fitting.uncertainty import fractions

REGIONS = ("Zr 3d", "Na 1s", "P 2p", "C 1s", "O 1s")
Study = dict[str, dict[str, xr.Dataset]]


@pytest.fixture(scope="module")
def study() -> Study:
    """Fits of two samples of the simulated study, charge-corrected."""
    folder = ss.reference.path("nasicon_study") / "xps"
    raw = {
        "as_sintered": {region: ss.read(folder / "as_sintered.vms", region=region) for region in REGIONS},
        "polished": {r: ss.read(folder / f"polished_{r.replace(' ', '')}.csv") for r in REGIONS},
    }
    found = {}
    for sample, spectra in raw.items():
        zr = ss.xps.fit(spectra["Zr 3d"], "Zr 3d", shift_search=8)
        moved = ss.xps.charge_correct(spectra, zr, line="Zr 3d5/2", energy=182.40)
        found[sample] = {region: ss.xps.fit(one, region) for region, one in moved.items()}
    return found


def untimed(fit: xr.Dataset) -> xr.Dataset:
    """Return a fit of counts whose dwell time nobody knows."""
    out = fit.copy()
    out.attrs = {name: value for name, value in fit.attrs.items() if name != "dwell_time"}
    return out


def shown_texts(figure: Figure) -> list[Text]:
    return [artist for artist in figure.findobj(Text) if artist.get_text().strip() and artist.get_visible()]


def words(figure: Figure) -> str:
    return "\n".join(artist.get_text() for artist in shown_texts(figure))


def overlaps(texts: list[Text]) -> Iterator[tuple[str, str]]:
    """Yield pairs of texts whose boxes share more than half a point in both directions."""
    for one, two in itertools.combinations(texts, 2):
        a, b = one.get_window_extent(), two.get_window_extent()
        slack = 0.5 * one.figure.dpi / 72  # type: ignore[union-attr]
        across = min(a.x1, b.x1) - max(a.x0, b.x0)
        along = min(a.y1, b.y1) - max(a.y0, b.y0)
        if across > slack and along > slack:
            yield one.get_text(), two.get_text()


def drawn(figure: Figure) -> list[Text]:
    """Return the texts that are on the page: ticks out of view are not."""
    figure.draw_without_rendering()
    found = list(figure.texts) + [text for text in (figure._suptitle, figure._supxlabel) if text is not None]
    for ax in figure.axes:
        found += [*ax.texts, ax.title, ax._left_title]  # type: ignore[attr-defined]
        if not ax.axison:
            continue
        found += [ax.xaxis.label, ax.yaxis.label]
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            found += [
                tick.label1
                for tick in axis.get_major_ticks()
                if tick.label1.get_visible() and low <= tick.get_loc() <= high
            ]
        legend = ax.get_legend()
        found += list(legend.get_texts()) if legend is not None else []
    for legend in figure.legends:
        found += list(legend.get_texts())
    unique = {id(text): text for text in found if text.get_text().strip() and text.get_visible()}
    return list(unique.values())


def inside(figure: Figure, texts: list[Text]) -> bool:
    page = figure.bbox
    boxes = [text.get_window_extent() for text in texts]
    return all(b.x0 >= -1 and b.y0 >= -1 and b.x1 <= page.x1 + 1 and b.y1 <= page.y1 + 1 for b in boxes)


# ---------------------------------------------------------------- places of texts


def test_spread_is_the_least_squares_answer() -> None:
    rng = np.random.default_rng(4)
    for _ in range(20):
        count = int(rng.integers(2, 7))
        wanted, sizes = np.sort(rng.uniform(0, 10, count)), rng.uniform(0.3, 1.2, count)
        found = placing.spread(wanted, sizes, 0.0, 10.0)
        gaps = (sizes[1:] + sizes[:-1]) / 2
        limits: list[dict[str, Any]] = [
            {"type": "ineq", "fun": lambda p, gaps=gaps: np.diff(p) - gaps},
            {"type": "ineq", "fun": lambda p, sizes=sizes: p[0] - sizes[0] / 2},
            {"type": "ineq", "fun": lambda p, sizes=sizes: 10 - sizes[-1] / 2 - p[-1]},
        ]
        start = np.cumsum(sizes)
        best = minimize(lambda p, w=wanted: np.sum((p - w) ** 2), start, constraints=limits, method="SLSQP",
                        options={"ftol": 1e-12, "maxiter": 500})  # fmt: skip
        assert np.sum((found - wanted) ** 2) == pytest.approx(best.fun, abs=1e-5)
        assert np.all(np.diff(found) >= gaps - 1e-9)
        assert found[0] >= sizes[0] / 2 - 1e-9
        assert found[-1] <= 10 - sizes[-1] / 2 + 1e-9


def test_spread_overhangs_evenly_where_there_is_no_room() -> None:
    found = placing.spread([1.0, 2.0], [4.0, 4.0], 0.0, 6.0)
    np.testing.assert_allclose(found, [1.0, 5.0])


# ---------------------------------------------------------------- one fit


@pytest.mark.parametrize("width", ["single", "double"])
@pytest.mark.parametrize("region", ["Zr 3d", "C 1s", "O 1s"])
def test_names_and_positions_stand_apart_at_both_widths(study: Study, region: str, width: str) -> None:
    fit = study["as_sintered"][region]
    figure = display.plot(fit, component_labels="positions", width=width, error_bars=True)
    texts = drawn(figure)
    assert list(overlaps(texts)) == []
    assert inside(figure, texts)
    main = figure.axes[0]
    assert main.xaxis_inverted()
    assert figure.get_figwidth() * 2.54 == pytest.approx(8.5 if width == "single" else 17.0)
    assert len(main.texts) == fit.sizes["component"]
    for artist in main.texts:
        box = artist.get_window_extent()
        top = max(fit["intensity"].values.max(), fit["model"].values.max())
        assert box.y0 > main.transData.transform((0, top))[1], "a label stands on the data"
        assert box.y1 <= main.get_window_extent().y1


def test_positions_are_those_of_the_fit(study: Study) -> None:
    fit = study["as_sintered"]["C 1s"]
    main = display.plot(fit, component_labels="positions").axes[0]
    said = {text.get_text().split("\n")[0]: text.get_text().split("\n")[1] for text in main.texts}
    assert sorted(said) == sorted(fit["species"].values.tolist())
    for name, center, unc in zip(fit["species"].values, fit["center"].values, fit["center_unc"].values, strict=True):
        assert said[str(name)] == display.value_text(float(center), float(unc))


def test_leaders_end_at_the_top_of_their_component(study: Study) -> None:
    fit = study["as_sintered"]["C 1s"]
    main = display.plot(fit, component_labels="positions").axes[0]
    main.figure.draw_without_rendering()  # type: ignore[union-attr]
    x = fit["binding_energy"].values
    ends = {
        float(line.get_xdata()[1]): float(line.get_ydata()[1])  # type: ignore[index]
        for line in main.lines
        if len(line.get_xdata()) == 2  # type: ignore[arg-type]
    }
    for part in fit["contribution"].values:
        place = float(x[np.argmax(part)])
        assert ends[place] == pytest.approx(float((fit["background"].values + part)[np.argmax(part)]), rel=1e-12)


def test_many_components_are_turned_and_still_apart(made: ModuleType) -> None:
    x = np.arange(280.0, 296.0, 0.05)
    centers = np.linspace(283.0, 293.0, 11)
    parts = np.array([made.pseudo_voigt(x, 900.0, center, 0.8, 0.2) for center in centers])
    names = [f"state {k}" for k in range(11)]
    fit = made.make_fit("binding_energy", x, 500 + 0 * x, parts, names, technique="XPS", region="C 1s",
                        labels={"species": names, "line": ["C 1s"] * 11})  # fmt: skip
    figure = display.plot(fit, component_labels="positions", width="single")
    assert list(overlaps(drawn(figure))) == []
    assert {text.get_rotation() for text in figure.axes[0].texts} == {90.0}


def test_a_series_with_positions_keeps_one_scale(made: ModuleType) -> None:
    fits = made.stacked([made.zirconium_3d(k, seed=3) for k in (1.0, 0.5)], "sample", ["a", "b"])
    figure = display.plot(fits, component_labels="positions", width="double")
    first, second = figure.axes
    assert first.get_ylim() == pytest.approx(second.get_ylim())
    assert list(overlaps(drawn(figure))) == []


def test_satellites_and_auger_lines_are_dashed_and_doublets_share_a_colour(made: ModuleType) -> None:
    base = made.zirconium_3d()
    lines = ["Zr 3d5/2", "Zr 3d3/2", "Zr 3d5/2 sat", "Na KLL"]
    species = ["Zr4+", "Zr4+", "Zr4+", "Na KLL"]
    fit = base.assign_coords(line=("component", lines), species=("component", species))
    assert labels.component_kinds(fit) == ["core", "core", "satellite", "auger"]
    groups, names = labels.component_groups(fit)
    assert groups == [0, 0, 0, 1]
    assert names == ["Zr4+", "Na KLL"]
    main = display.plot(fit).axes[0]
    outlines = [line for line in main.lines if len(np.asarray(line.get_xdata())) == fit.sizes["binding_energy"]][2:6]
    assert [line.get_linestyle() for line in outlines] == ["-", "-", "--", "--"]
    assert len({line.get_color() for line in outlines[:3]}) == 1
    assert outlines[3].get_color() != outlines[0].get_color()
    entries = [text.get_text() for text in main.get_legend().get_texts()]  # type: ignore[union-attr]
    assert entries == ["Data", "Fit", "Zr⁴⁺", "X-ray satellite", "Na KLL", "Background"]
    assert [text.get_text().split("\n")[0] for text in display.plot(fit, component_labels="positions").axes[0].texts] \
        == ["Zr⁴⁺ 3d$_{3/2}$", "Na KLL", "Zr⁴⁺ 3d$_{5/2}$"]  # fmt: skip


def test_satellites_of_a_fit_count_to_no_area() -> None:
    """Zr 3d under unmonochromated Mg K-alpha, simulated: satellites 8.4 and 10.1 eV below, 8 and 4.1 percent high."""
    x, shares = np.arange(168.0, 192.0, 0.1), ((0.0, 1.0), (8.4, 0.080), (10.1, 0.041))
    peaks = sum(
        height * part * np.exp(-4 * np.log(2) * ((x - center + below) / 1.5) ** 2)
        for below, part in shares
        for center, height in ((182.4, 9000.0), (184.8, 6000.0))
    )
    counts = np.random.default_rng(0).poisson(600 + peaks).astype(float)
    recipe = dataclasses.replace(ss.xps.load_recipe("Zr 3d"), satellites="Mg", window=(168.0, 192.0))
    fit = ss.xps.fit(ss.spectrum(x, counts, technique="XPS", photon_energy=1253.6), recipe)
    kinds = labels.component_kinds(fit)
    assert kinds.count("core") == 2
    assert kinds.count("satellite") >= 4
    own = areas.normalised_areas({"Zr 3d": fit}, "Zr 3d5/2")["Zr 3d"]
    table = ss.xps.normalise({"Zr 3d": fit})
    assert own.value == pytest.approx(float(table["normalised_area"][0]), rel=1e-12)
    assert own.value == pytest.approx(5 / 3, rel=1e-6)
    figure = display.plot(fit, component_labels="positions", width="single")
    assert len(figure.axes[0].texts) == 2
    assert list(overlaps(drawn(figure))) == []


def test_error_bars_are_counting_uncertainties(made: ModuleType) -> None:
    fit = made.zirconium_3d()
    bars = display.plot(fit, error_bars=True).axes[0].containers[0].lines[2][0].get_segments()
    half = np.array([(bar[1, 1] - bar[0, 1]) / 2 for bar in bars])
    np.testing.assert_allclose(half, np.sqrt(fit["model"].values))
    with pytest.raises(InputError, match="statistics"):
        display.plot(fit.assign_attrs(statistics="unknown"), error_bars=True)


def test_fills_differ_in_grey_or_in_hatching() -> None:
    looks = [(style.color(k), style.hatch(k)) for k in range(49)]
    assert len(set(looks)) == 49
    for one, two in itertools.combinations(range(7), 2):
        light = [np.dot([0.2126, 0.7152, 0.0722], to_rgb(style.color(k))) for k in (one, two)]
        assert abs(light[0] - light[1]) > 0.1 or style.hatch(one) != style.hatch(two)


# ---------------------------------------------------------------- samples normalised to a line


def test_normalised_areas_are_those_of_xps_normalise(study: Study) -> None:
    for fits in study.values():
        table = ss.xps.normalise(fits, to="Zr 3d5/2")
        own = areas.normalised_areas(fits, "Zr 3d5/2")
        assert list(own) == table["region"].values.tolist()
        np.testing.assert_allclose([a.value for a in own.values()], table["normalised_area"].values, rtol=1e-12)
        np.testing.assert_allclose([a.unc for a in own.values()], table["normalised_area_unc"].values, rtol=1e-9)


def test_a_failed_region_has_no_number_and_a_failed_reference_is_refused(study: Study) -> None:
    fits = dict(study["as_sintered"])
    fits["Na 1s"] = fits["Na 1s"].assign(verdict=((), "failed"), reasons=((), "not converged"))
    table = ss.xps.normalise(fits)
    own = areas.normalised_areas(fits, "Zr 3d5/2")
    assert np.isnan(own["Na 1s"].value)
    assert np.isnan(float(table["normalised_area"].sel(region="Na 1s")))
    text = words(display.plot_normalised({"A": fits}, regions=["Na 1s", "P 2p"]))
    assert "n.d. FAILED" in text.replace("not determined", "n.d.")
    fits["Zr 3d"] = fits["Zr 3d"].assign(verdict=((), "failed"), reasons=((), "not converged"))
    for call in (lambda: ss.xps.normalise(fits), lambda: display.plot_normalised({"A": fits})):
        with pytest.raises(NotDeterminedError):
            call()


def test_the_area_under_a_drawn_curve_is_the_number_beside_it(study: Study) -> None:
    """Dwell times and numbers of scans of the regions differ: the drawn curves are rates over a rate."""
    figure = display.plot_normalised(study, regions=["Na 1s", "P 2p"])
    expected = {name: areas.normalised_areas(fits, "Zr 3d5/2") for name, fits in study.items()}
    assert len({areas.seconds(fit) for fit in study["as_sintered"].values()}) > 1
    for ax, region in zip(figure.axes, ("Na 1s", "P 2p"), strict=True):
        curves = [line for line in ax.lines if line.get_zorder() == 5]
        floors = [line for line in ax.lines if line.get_zorder() == 2 and line.get_color() == style.GREY]
        for name, curve, floor in zip(study, curves, floors, strict=True):
            height = np.asarray(curve.get_ydata()) - np.asarray(floor.get_ydata())
            area = float(np.trapezoid(height, np.asarray(curve.get_xdata())))
            whole = study[name][region]["contribution"].sum("component").values
            held = float(np.trapezoid(whole, np.asarray(curve.get_xdata()))) / float(study[name][region]["area"].sum())
            assert area == pytest.approx(expected[name][region].value * held, rel=1e-9)
            assert held == pytest.approx(1.0, abs=0.03)
            assert display.value_text(expected[name][region].value, expected[name][region].unc) in words(figure)


@pytest.mark.parametrize("width", ["single", "double"])
@pytest.mark.parametrize("subtract", [True, False])
def test_normalised_samples_at_both_widths(study: Study, width: str, subtract: bool) -> None:
    figure = display.plot_normalised(
        study, regions=["Na 1s", "P 2p", "C 1s"], width=width, subtract_background=subtract
    )
    texts = drawn(figure)
    assert list(overlaps(texts)) == []
    assert inside(figure, texts)
    assert all(ax.xaxis_inverted() for ax in figure.axes)
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["Na 1s", "P 2p", "C 1s"]
    said = words(figure)
    assert "Simulated" in said
    assert "as_sintered" in said
    assert "Binding energy (eV)" in said
    assert "eV⁻¹" in said


def test_a_sample_without_a_region_says_so_and_a_check_is_marked(study: Study) -> None:
    some = {name: dict(fits) for name, fits in study.items()}
    del some["polished"]["P 2p"]
    some["as_sintered"]["Na 1s"] = some["as_sintered"]["Na 1s"].assign(
        verdict=((), "check"), reasons=((), "correlated")
    )
    text = words(display.plot_normalised(some, regions=["Na 1s", "P 2p"]))
    assert "not measured" in text
    assert "CHECK" in text


def test_more_regions_than_a_column_holds_go_into_rows(study: Study) -> None:
    figure = display.plot_normalised(study, width="single")
    texts = drawn(figure)
    assert list(overlaps(texts)) == []
    assert inside(figure, texts)
    tops = {round(ax.get_position().y0, 3) for ax in figure.axes if ax.axison}
    assert len(tops) == 2
    assert sum("as_sintered" in text.get_text() for text in texts) == 2


def test_regions_default_to_all_but_that_of_the_line(study: Study) -> None:
    figure = display.plot_normalised(study)
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["Na 1s", "P 2p", "C 1s", "O 1s"]


# ---------------------------------------------------------------- one page


@pytest.fixture(scope="module")
def tables(study: Study) -> dict[str, xr.Dataset]:
    fits = study["as_sintered"]
    return {"normalised": ss.xps.normalise(fits), "composition": ss.xps.quantify(fits)}


def test_the_page_has_every_number(study: Study, tables: dict[str, xr.Dataset]) -> None:
    fits = study["as_sintered"]
    figure = display.plot_overview(fits, tables=tables)
    assert [round(2.54 * float(size), 1) for size in figure.get_size_inches()] == [21.0, 29.7]
    text = words(figure)
    percent = tables["composition"]
    for region in percent["region"].values:
        one = percent.sel(region=region)
        assert display.value_text(float(one["atomic_percent"]), float(one["atomic_percent_unc"])) in text
    for fit in fits.values():
        for value, unc in zip(fit["center"].values, fit["center_unc"].values, strict=True):
            assert text.count(display.value_text(float(value), float(unc))) >= 2, "above the curve and in the table"
    shift = fits["Na 1s"].attrs
    assert display.value_text(shift["charge_shift"], shift["charge_shift_unc"], "eV") in text.replace("\n", " ")
    assert "(simulated)" in text
    assert "verdicts: 5 ok" in text.replace("\n", " ")
    assert sum(ax.xaxis_inverted() for ax in figure.axes) == 10


def test_texts_of_the_page_do_not_cover_each_other(study: Study, tables: dict[str, xr.Dataset]) -> None:
    x = np.arange(0.0, 1200.0, 1.0)
    survey = ss.spectrum(x, np.round(1000 + 900 * np.exp(-((x - 531) ** 2) / 9)), technique="XPS", simulated="true")
    figure = display.plot_overview(study["as_sintered"], tables=list(tables.values()), survey=survey)
    texts = drawn(figure)
    assert list(overlaps(texts)) == []
    assert inside(figure, texts)
    marked = [text.get_text() for text in figure.axes[1].texts]
    assert marked == ["Na 1s", "O 1s", "C 1s", "Zr 3d", "P 2p"]


def test_shares_follow_the_covariance_of_the_areas(study: Study) -> None:
    fit = study["as_sintered"]["C 1s"]
    share, covariance = fractions(fit["area"].values, fit["area_covariance"].values)
    own = list(areas.component_amounts(fit, share=True).values())
    np.testing.assert_allclose([a.value for a in own], share, rtol=1e-12)
    np.testing.assert_allclose([a.unc for a in own], np.sqrt(np.diag(covariance)), rtol=1e-9)
    oxygen = areas.component_amounts(study["as_sintered"]["O 1s"], share=True)
    assert not any("KLL" in name for name in oxygen)
    assert sum(a.value for a in oxygen.values()) == pytest.approx(1.0)


def test_a_page_of_many_regions_keeps_its_figures_high(made: ModuleType) -> None:
    fits = {f"region {k}": made.zirconium_3d(seed=k) for k in range(12)}
    figure = display.plot_overview(fits)
    texts = drawn(figure)
    assert list(overlaps(texts)) == []
    with pytest.raises(InputError, match="13 regions"):
        display.plot_overview({**fits, "one more": made.zirconium_3d()})


def test_a_verdict_stands_on_the_page(made: ModuleType) -> None:
    fit = made.zirconium_3d(verdict="check", reasons="correlated: a, b")
    figure = display.plot_overview({"Zr 3d": fit})
    text = words(figure)
    assert "CHECK: correlated: a, b" in text.replace("\n", " ")
    assert "check: correlated: a, b" in text
    assert "no charge correction recorded" in text
    assert "(simulated)" not in text


# ---------------------------------------------------------------- comparison, before and after


def pair(seed: int, scale: float = 1.7, shift: float = 0.0) -> tuple[xr.Dataset, xr.Dataset]:
    rng = np.random.default_rng(seed)
    x = np.arange(278.0, 292.0, 0.1)

    def level(at: np.ndarray) -> np.ndarray:
        return 300 + 2500 * np.exp(-((at - 285.0) ** 2) / 0.9)

    first = ss.spectrum(x, rng.poisson(scale * level(x) + 400).astype(float), technique="XPS", sample="A")
    moved = x + 0.04
    second = ss.spectrum(moved, rng.poisson(level(moved - shift)).astype(float), technique="XPS", sample="B")
    return first, second


def test_the_scale_of_a_comparison_is_unbiased_with_its_uncertainty() -> None:
    found = [overlay(*pair(seed), scale=None, shift=0.0, degree=0) for seed in range(200)]
    pulls = np.array([(one.scale - 1.7) / one.scale_unc for one in found])
    assert abs(pulls.mean()) < 0.35
    assert 0.8 < pulls.std() < 1.2
    reduced = np.mean([one.chi2 / one.dof for one in found])
    assert reduced == pytest.approx(1.0, abs=0.06)


def test_a_comparison_without_noise_leaves_nothing() -> None:
    x = np.arange(278.0, 292.0, 0.1)
    y = 500 + 4000 * np.exp(-((x - 285) ** 2))
    first = ss.spectrum(x, y, technique="XPS", units="arb. units", sample="A")
    second = ss.spectrum(x + 0.3, (y - 120) / 2.5, technique="XPS", units="arb. units", sample="B")
    laid = overlay(first, second, scale=None, shift=-0.3, degree=0)
    assert laid.scale == pytest.approx(2.5, rel=1e-9)
    np.testing.assert_allclose(laid.second, laid.first, rtol=1e-9)
    figure = display.plot_comparison(first, second, shift=-0.3)
    assert figure.axes[1].get_ylabel() == "Res. (arb. units)"
    assert "χ²" not in words(figure)
    fixed = overlay(first, second, scale=2.0, shift=-0.3, degree=-1)
    np.testing.assert_allclose(fixed.second, 2.0 * (y - 120) / 2.5, rtol=1e-9)


@pytest.mark.parametrize("width", ["single", "double"])
def test_a_comparison_is_drawn_with_its_residuals(width: str) -> None:
    figure = display.plot_comparison(*pair(1), width=width)
    main, strip = figure.axes
    assert main.xaxis_inverted()
    assert strip.xaxis_inverted()
    assert list(overlaps(drawn(figure))) == []
    laid = overlay(*pair(1), scale=None, shift=0.0, degree=0)
    points = next(line for line in strip.lines if line.get_marker() == "o")
    np.testing.assert_allclose(np.asarray(points.get_ydata()), (laid.first - laid.second) / laid.unc)
    assert f"χ²/dof = {laid.chi2 / laid.dof:.3g}" in main.get_title(loc="left")


def bars_of(ax: Axes) -> list[float]:
    return [patch.get_height() for patch in ax.patches if np.isfinite(patch.get_height())]  # type: ignore[attr-defined]


@pytest.mark.parametrize("width", ["single", "double"])
def test_before_and_after_have_one_scale_and_their_areas(study: Study, width: str) -> None:
    before, after = (fits["C 1s"] for fits in study.values())
    figure = display.plot_before_after(before, after, width=width, names=("sintered", "polished"))
    top, low, bars = figure.axes
    assert top.get_ylim() == low.get_ylim()
    assert top.xaxis_inverted()
    assert list(overlaps(drawn(figure))) == []
    share = [areas.component_amounts(fit, share=True) for fit in (before, after)]
    expected = [found[name].value for name in share[0] for found in share]
    np.testing.assert_allclose(bars_of(bars), expected)
    name = next(iter(share[0]))
    difference = share[1][name].value - share[0][name].value
    sigma = abs(difference) / np.hypot(share[0][name].unc, share[1][name].unc)
    assert f"{sigma:.1f} σ" in words(figure)
    assert "as_sintered and polished, C 1s (simulated)" in words(figure)


def test_before_and_after_over_a_reference_line(study: Study) -> None:
    before, after = (fits["C 1s"] for fits in study.values())
    zr = tuple(fits["Zr 3d"] for fits in study.values())
    figure = display.plot_before_after(before, after, areas="normalised", references=zr)  # type: ignore[arg-type]
    heights = bars_of(figure.axes[2])
    for side, fits in enumerate(study.values()):
        whole = float(ss.xps.normalise(fits)["normalised_area"].sel(region="C 1s"))
        assert sum(heights[side::2]) == pytest.approx(whole, rel=1e-9)
    with pytest.raises(InputError, match="reference line"):
        display.plot_before_after(before, after, areas="normalised")


# ---------------------------------------------------------------- from the saved study


def test_figures_of_a_saved_study_need_no_fit(study: Study, tables: dict[str, xr.Dataset], tmp_path: Path) -> None:
    parts = {f"/fits/{s}/xps/{r}": fit for s, fits in study.items() for r, fit in fits.items()}
    parts |= {f"/tables/as_sintered/xps/{name}": table for name, table in tables.items()}
    tree = xr.DataTree.from_dict(parts)
    tree.attrs["samples"] = "polished\nas_sintered"
    tree.attrs["order_polished"] = "xps/Na 1s\nxps/Zr 3d"
    ss.save(tree, tmp_path / "study.nc")
    loaded = ss.load(tmp_path / "study.nc")
    fits = display.study_fits(loaded)
    assert list(fits) == ["polished", "as_sintered"]
    assert list(fits["polished"])[:2] == ["Na 1s", "Zr 3d"]
    assert set(display.study_tables(loaded)["as_sintered"]) == {"normalised", "composition"}
    again = display.plot_normalised(fits, regions=["Na 1s"])
    first = display.plot_normalised({name: study[name] for name in fits}, regions=["Na 1s"])
    for one, two in zip(again.axes[0].lines, first.axes[0].lines, strict=True):
        np.testing.assert_array_equal(np.asarray(one.get_ydata()), np.asarray(two.get_ydata()))
    page = display.plot_overview(fits["as_sintered"], tables=display.study_tables(loaded)["as_sintered"])
    paths = display.save_figure(page, tmp_path / "page")
    assert [path.suffix for path in paths] == [".svg", ".pdf", ".png"]
    once = [path.read_bytes() for path in paths[:2]]
    other = display.plot_overview(fits["as_sintered"], tables=display.study_tables(loaded)["as_sintered"])
    assert [path.read_bytes() for path in display.save_figure(other, tmp_path / "b")[:2]] == once


def test_inputs_stay_as_they_were(study: Study, tables: dict[str, xr.Dataset]) -> None:
    kept = {name: {r: fit.copy(deep=True) for r, fit in fits.items()} for name, fits in study.items()}
    display.plot_normalised(study)
    display.plot_overview(study["as_sintered"], tables=tables)
    display.plot_before_after(study["as_sintered"]["C 1s"], study["polished"]["C 1s"])
    display.plot_comparison(study["as_sintered"]["C 1s"], study["polished"]["C 1s"])
    for name, fits in study.items():
        for region, fit in fits.items():
            assert fit.identical(kept[name][region])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: display.plot_normalised({}), "no samples"),
        (lambda s: display.plot_normalised({"A": {}}), "empty"),
        (lambda s: display.plot_normalised(s, to="Zr 3p3/2"), "no fit has the line"),
        (lambda s: display.plot_normalised(s, regions=["B 1s"]), "no sample has the region"),
        (lambda s: display.plot_normalised(s, offset=0.5), "offset"),
        (
            lambda s: display.plot_normalised({"A": {**s["polished"], "Na 1s": untimed(s["polished"]["Na 1s"])}}),
            "dwell time of Na 1s",
        ),
        (lambda s: display.plot_overview([]), "is a list"),
        (lambda s: display.plot_overview(s["polished"], tables=3), "tables is a int"),
        (lambda s: display.plot_overview(s["polished"], survey=s["polished"]["C 1s"]), "no single spectrum"),
        (lambda s: display.plot_comparison(*pair(0), degree=7), "degree"),
        (lambda s: display.plot_comparison(*pair(0), scale=-1.0), "scale"),
        (lambda s: display.plot_comparison(*pair(0), shift=100.0), "points in common"),
        (lambda s: display.plot_comparison(pair(0)[0], ss.stack([pair(0)[1]] * 2, "cycle", [1, 2])), "series"),
        (lambda s: display.plot_before_after(s["polished"]["C 1s"], s["polished"]["Na 1s"]), "same name"),
        (lambda s: display.plot_before_after(s["polished"]["C 1s"], s["polished"]["C 1s"], areas="x"), "no choice"),
        (lambda s: display.study_fits({}), "expected a DataTree"),
        (lambda s: display.study_fits(xr.DataTree()), "no xps fit"),
    ],
)
def test_wrong_use_says_what_to_do(study: Study, call: Any, message: str) -> None:
    with pytest.raises(SurfspecError, match=message) as caught:
        call(study)
    assert caught.value.remedy
