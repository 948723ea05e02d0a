"""Pictures keep texts in the frame and names short, say what their scale is, and refuse what is no option."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import xarray as xr

import surfspec as ss
from surfspec import display
from surfspec.display import fit_panel, labels
from surfspec.display.checks import shortened
from surfspec.display.overview_rows import facts
from surfspec.errors import InputError

LONG = "x" * 400
#: Called as no type allows.
show: Any = display
E = np.round(np.arange(278.0, 292.0, 0.1), 3)


def carbon(seed: int, scale: float = 1.0, shift: float = 0.0, **attrs: Any) -> xr.Dataset:
    """One peak at 285 eV + shift on a level, both times `scale`, with Poisson noise."""
    y = scale * (500 + 4000 * np.exp(-(((E - 285.0 - shift) / 0.7) ** 2)))
    counts = np.random.default_rng(seed).poisson(y).astype(float)
    return ss.spectrum(E, counts, technique="XPS", region="C 1s", **attrs)


def two_scales(made: ModuleType) -> list[xr.Dataset]:
    """Return a fit below and one above 10 000 counts."""
    return [made.zirconium_3d(0.5, simulated="true"), made.zirconium_3d(30.0, simulated="true")]


def test_every_frame_of_the_page_has_its_power_of_ten(made: ModuleType) -> None:
    small, large = two_scales(made)
    page = display.plot_overview({"A": small, "B": large, "C": large, "D": large})
    panels = page.axes[1:9:2]
    assert [ax.get_ylabel() for ax in panels] == [
        "Intensity (counts)", "Intensity (10³ counts)", "Intensity (10³ counts)", "",
    ]  # fmt: skip
    for ax, fit in zip(panels, (small, large, large, large), strict=True):
        ax.figure.draw_without_rendering()  # type: ignore[union-attr]
        top = [tick for tick in ax.yaxis.get_major_ticks() if 0 < tick.get_loc() <= ax.get_ylim()[1]][-1]
        power = 3 if fit is large else 0
        assert float(top.label1.get_text()) * 10**power == pytest.approx(top.get_loc())


@pytest.mark.parametrize("share_y", [True, False])
def test_a_series_says_each_scale(made: ModuleType, share_y: bool) -> None:
    fits = made.stacked([*two_scales(made) * 4], "cycle", np.arange(8))
    figure = display.plot_fit(fits, share_y=share_y)
    shown = [ax.get_ylabel() for ax in figure.axes[:8]]
    assert ("Intensity (counts)" in shown) is not share_y
    powers = {ax.yaxis.get_major_formatter().power for ax in figure.axes[:8]}  # type: ignore[attr-defined]
    assert powers == ({3} if share_y else {0, 3})


def test_the_page_says_once_that_it_is_simulated(made: ModuleType) -> None:
    page = display.plot_overview({"Zr 3d": made.zirconium_3d(simulated="true")}, title="annealed (simulated)")
    assert page.axes[0].texts[0].get_text() == "annealed (simulated)"
    page = display.plot_overview({"Zr 3d": made.zirconium_3d(simulated="true")}, title="annealed")
    assert page.axes[0].texts[0].get_text() == "annealed (simulated)"


def test_the_page_names_what_areas_were_divided_by() -> None:
    y = np.round(500 + 9000 * np.exp(-(((E - 285) / 0.7) ** 2)))
    fit = ss.xps.fit(ss.spectrum(E, y, technique="XPS", region="C 1s", photon_energy=1486.6), one_peak())
    plain = "; ".join(facts({"C 1s": fit}, [ss.xps.quantify({"C 1s": fit})]))
    assert "energy exponent" in plain
    assert "mean free path" not in plain
    told = "; ".join(facts({"C 1s": fit}, [ss.xps.quantify({"C 1s": fit}, mean_free_path="average")]))
    assert "energy exponent" not in told
    assert "mean free path: average, transmission: constant" in told


def one_peak() -> ss.xps.Recipe:
    peak = ss.xps.Peak("C-C", "C 1s", ss.xps.Range(285, 284, 286))
    return ss.xps.Recipe("one", "C 1s", (278.5, 291.5), peaks=(peak,))


@pytest.mark.parametrize("dpi", [100, 200, 300])
def test_turned_names_stay_in_the_frame_at_any_resolution(made: ModuleType, dpi: int) -> None:
    fit = made.zirconium_3d()
    species = ["Auger of sodium"] * 4
    fit = fit.assign_coords(species=("component", species), line=("component", ["Na KLL"] * 4))
    figure = display.plot_fit(fit, component_labels="positions")
    figure.set_dpi(dpi)
    figure.draw_without_rendering()
    ax = figure.axes[0]
    frame = ax.get_window_extent()
    texts = [text for text in ax.texts if text.get_text()]
    assert {text.get_rotation() for text in texts} == {90.0}
    for text in texts:
        box = text.get_window_extent()
        assert frame.y1 - box.y1 > 1.5 * dpi / 72, "points to the upper edge"
        assert box.x0 > frame.x0
        assert box.x1 < frame.x1


def test_names_of_400_letters_do_not_break_the_layout(made: ModuleType) -> None:
    fit = made.zirconium_3d(simulated="true")
    named = fit.assign_attrs(sample=LONG, region=LONG)
    species = named.assign_coords(species=("component", [f"{LONG} {k}" for k in range(4)]))
    one, two = carbon(1, sample=LONG), carbon(2, sample=LONG)
    drawings: dict[str, Callable[[], Any]] = {
        "overview": lambda: display.plot_overview({LONG: named, "b": fit}, title=LONG),
        "before": lambda: display.plot_before_after(fit, fit, names=(LONG, LONG)),
        "comparison": lambda: display.plot_comparison(one, two, names=(LONG, LONG)),
        "normalised": lambda: display.plot_normalised({LONG: {LONG: fit}, "b": {LONG: fit}}),
        "fit": lambda: display.plot_fit(species),
        "positions": lambda: display.plot_fit(species, component_labels="positions"),
    }
    for name, draw in drawings.items():
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            figure = draw()
            figure.savefig(io.BytesIO(), format="png", dpi=40)
        for ax in figure.axes:
            assert ax.get_window_extent().width > 10, name
    assert figure.axes[0].get_title(loc="left").endswith("(simulated)")


def test_a_rebuilt_curve_is_called_by_its_program(made: ModuleType) -> None:
    rebuilt = "not fitted here: rebuilt from the numbers of CasaXPS, which have no uncertainties"
    for reasons, name in ((rebuilt, "CasaXPS"), ("not fitted: start values", "Start"), ("", "Fit")):
        fit = made.zirconium_3d(verdict="check" if reasons else "ok", reasons=reasons)
        assert fit_panel.curve_name(fit) == name
        for how in ("legend", "positions"):
            figure = display.plot_fit(fit, component_labels=how)
            legend = figure.legends[0] if figure.legends else figure.axes[0].get_legend()
            assert legend is not None
            assert name in [text.get_text() for text in legend.get_texts()]


def test_a_comparison_takes_the_table_of_compare() -> None:
    one, two = carbon(3, 3.0, sample="A"), carbon(4, 1.0, 0.2, sample="B")
    found = ss.xps.compare(one, two)
    figure = display.plot_comparison(one, two, table=found)
    told = figure.legends[0].get_texts()[1].get_text()
    scale, shift = float(found["scale"]), float(found["shift"])
    factor = display.value_text(1 / scale, float(found["scale_unc"]) / scale**2)
    assert told == f"B, × {factor}, shifted by {display.value_text(-shift, float(found['shift_unc']))} eV"
    assert 1 / scale == pytest.approx(3.0, rel=0.03)
    assert shift == pytest.approx(0.2, abs=0.02)
    assert found.attrs["conclusion"] in figure.axes[0].get_title(loc="left").replace("\n", " ")
    residual = np.asarray(figure.axes[1].lines[1].get_ydata(), dtype=float)
    assert residual.std() == pytest.approx(1.0, abs=0.2)
    assert abs(residual.mean()) < 0.3
    wrong = display.plot_comparison(two, one, shift=shift)  # the other way round it is the inverse
    assert "0.33" in wrong.legends[0].get_texts()[1].get_text()


def test_the_step_of_a_comparison_takes_up_a_difference_of_steps() -> None:
    peak = 4000 * np.exp(-(((E - 285.0) / 0.7) ** 2))
    step = 600 * np.cumsum(peak) / peak.sum()
    rng = np.random.default_rng(6)
    one, two = (
        ss.spectrum(E, rng.poisson(500 + peak + more).astype(float), technique="XPS", region="C 1s")
        for more in (step, 0 * step)
    )
    found = ss.xps.compare(one, two)
    with_step = np.asarray(display.plot_comparison(one, two, table=found).axes[1].lines[1].get_ydata(), dtype=float)
    scale, shift = 1 / float(found["scale"]), -float(found["shift"])
    plain = display.plot_comparison(one, two, scale=scale, shift=shift, degree=1)
    without = np.asarray(plain.axes[1].lines[1].get_ydata(), dtype=float)
    assert np.mean(with_step**2) < 1.4
    assert np.mean(without**2) > 2


WRONG: dict[str, tuple[Callable[[Any, Any], Any], str]] = {
    "offset 'a'": (lambda f, s: show.plot_normalised({"A": {"Zr 3d": f}}, offset="a"), "an offset of 'a'"),
    "height -1": (lambda f, s: show.plot_normalised({"A": {"Zr 3d": f}}, height=-1), "a height of -1 cm"),
    "height 0 of several": (lambda f, s: show.plot_normalised({"A": {"Zr 3d": f}}, height=0), "a height of 0 cm"),
    "before height 0": (lambda f, s: show.plot_before_after(f, f, height=0), "a height of 0 cm"),
    "scale 'a'": (lambda f, s: show.plot_comparison(s, s, scale="a"), "a scale of 'a'"),
    "scale nan": (lambda f, s: show.plot_comparison(s, s, scale=np.nan), "a scale of nan"),
    "shift 'a'": (lambda f, s: show.plot_comparison(s, s, shift="a"), "a shift of 'a'"),
    "shift nan": (lambda f, s: show.plot_comparison(s, s, shift=np.nan), "a shift of nan"),
    "degree 'a'": (lambda f, s: show.plot_comparison(s, s, degree="a"), "a degree of 'a'"),
    "degree 0.5": (lambda f, s: show.plot_comparison(s, s, degree=0.5), "degree 0.5"),
    "one name": (lambda f, s: show.plot_comparison(s, s, names=("a",)), "names: they are"),
    "names 3": (lambda f, s: show.plot_comparison(s, s, names=3), "names: they are 3"),
    "height 0": (lambda f, s: show.plot_comparison(s, s, height=0), "a height of 0 cm"),
    "width None": (lambda f, s: show.plot_comparison(s, s, width=None), "a width of None"),
    "table": (lambda f, s: show.plot_comparison(s, s, table=f), "none of a comparison"),
    "both": (lambda f, s: show.plot_comparison(s, s, table=ss.xps.compare(s, s), scale=2.0), "beside the table"),
    "before one name": (lambda f, s: show.plot_before_after(f, f, names=("a",)), "names: they are"),
    "before names 3": (lambda f, s: show.plot_before_after(f, f, names=3), "names: they are 3"),
    "references 3": (lambda f, s: show.plot_before_after(f, f, areas="normalised", references=3), "reference line"),
    "fit height": (lambda f, s: show.plot_fit(f, height="tall"), "a height of 'tall'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_option_is_named(made: ModuleType, name: str) -> None:
    call, message = WRONG[name]
    with pytest.raises(InputError) as caught:
        call(made.zirconium_3d(), carbon(5))
    assert message in str(caught.value)
    assert caught.value.remedy


# ---------------------------------------------------------------- summaries


def test_unknown_statistics_say_why() -> None:
    note = "the file calls these counts, but 3 of 4 are no whole numbers"
    rate = ss.spectrum([1.0, 2.0, 3.0], [5.5, 6.0, 7.0], technique="XPS", units="counts/s")
    assert "statistics      unknown: a rate without dwell time" in ss.summary(rate)
    noted = ss.summary(rate.assign_attrs(statistics_note=note, dwell_time=2.0))
    assert f"statistics      unknown: {note}" in noted
    assert "without dwell time" not in noted
    assert "without" not in labels.unknown_because(rate.assign_attrs(dwell_time=2.0))


def test_a_summary_tells_priors_backgrounds_and_satellites() -> None:
    rng = np.random.default_rng(2)
    x = np.arange(178.0, 191.0, 0.1)
    peak = [np.exp(-4 * np.log(2) * ((x - at) / 1.3) ** 2) for at in (182.4, 184.83)]
    y = rng.poisson(400 + 2000 * peak[0] + 1340 * peak[1] + 100 * (x > 183)).astype(float)
    recipe = ss.xps.Recipe(
        "Zr", "Zr 3d", (178.2, 190.8),
        doublets=(ss.xps.Doublet("Zr4+", "Zr 3d", ss.xps.Range(182.4, 181, 184),
                                 ss.xps.Range(2.40, 2.2, 2.6, prior=0.01), 2 / 3),),
        background=ss.xps.Background("active"), satellites="Mg",
    )  # fmt: skip
    fit = ss.xps.fit(ss.spectrum(x, y, technique="XPS", region="Zr 3d", photon_energy=1253.6), recipe)
    text = ss.summary(fit)
    at = {str(name): index for index, name in enumerate(fit["parameter"].values)}

    def number(name: str) -> str:
        index = at[name]
        return display.value_text(float(fit["value"].values[index]), float(fit["value_unc"].values[index]))

    off = (float(fit["value"].values[at["Zr4+ splitting"]]) - 2.40) / 0.01
    assert off > 0.3
    assert f"known before  Zr4+ splitting {number('Zr4+ splitting')} eV, before 2.400(10) eV: {off:+.1f} prior" in text
    row = next(line for line in text.splitlines() if line.startswith("background"))
    assert f"level {number('background level')} counts" in row
    assert f"shirley {number('background shirley')} 1/eV" in row
    assert "satellites    every core level with those of Mg Kα" in text
    plain = ss.summary(ss.xps.fit(carbon(1), one_peak()))
    assert not any(word in plain for word in ("known before", "satellites", "background  "))


def test_shortening_takes_the_middle() -> None:
    assert shortened("a" * 30 + " (simulated)", 20) == "aaaaaaaaa…simulated)"
    assert shortened("short", 20) == "short"
