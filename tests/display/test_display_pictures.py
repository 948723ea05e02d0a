"""What the pictures are made of: direction of axes, labels, numbers of lines, error bars."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
import xarray as xr
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.text import Text
from scipy.special import xlogy

from surfspec import spectra
from surfspec.display import plot, plot_fit, plot_match, plot_series, plot_spectrum, plot_stack, plot_table
from surfspec.display.diffraction_axis import abscissa
from surfspec.display.fit_plot import residual_of
from surfspec.errors import InputError, SchemaError, SurfspecError


def spectrum(technique: str, **attrs: Any) -> xr.Dataset:
    x = np.linspace(100.0, 120.0, 41)
    counts = np.round(50 + 1000 * np.exp(-0.5 * (x - 110) ** 2))
    return spectra.spectrum(x, counts, technique=technique, **attrs)


def series(count: int) -> xr.Dataset:
    return spectra.stack(
        [spectrum("XPS", sample="s")] * count, "dose", np.arange(1, count + 1) * 1e15, units="ions/cm2"
    )


def texts(figure: Figure) -> list[str]:
    return [artist.get_text() for artist in figure.findobj(Text) if artist.get_text()]


@pytest.mark.parametrize(
    ("technique", "label", "falls"),
    [("XPS", "Binding energy (eV)", True), ("LEIS", "Kinetic energy (eV)", False), ("XRD", "2θ (°)", False)],
)
def test_each_technique_has_its_axis(technique: str, label: str, falls: bool) -> None:
    axes = plot(spectrum(technique)).axes[0]
    left, right = axes.get_xlim()
    assert axes.get_xlabel() == label
    assert (left > right) == falls
    assert {left, right} == {100.0, 120.0}
    assert axes.get_ylabel() == "Intensity (counts)"


def test_powers_of_ten_go_into_the_label() -> None:
    big = spectra.spectrum([1, 2, 3], [10000, 90000, 20000], technique="LEIS")
    axes = plot(big).axes[0]
    assert axes.get_ylabel() == "Intensity (10³ counts)"
    assert [label.get_text() for label in axes.get_yticklabels()][1] == "20"


def test_tick_labels_have_equal_decimals() -> None:
    axes = plot(spectra.spectrum([1, 2, 3], [0.0, 1.5, 0.5], technique="LEIS", units="arb. units")).axes[0]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert len({len(label.partition(".")[2]) for label in labels}) == 1


def test_a_series_is_labelled_by_its_coordinate() -> None:
    axes = plot(series(3)).axes[0]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [f"dose {k}×10¹⁵ ions/cm²" for k in (1, 2, 3)]
    assert len(axes.lines) == 3
    assert len({line.get_color() for line in axes.lines}) == 3
    assert len({str(line.get_linestyle()) + str(line._dash_pattern) for line in axes.lines}) == 3


def test_a_long_series_has_a_colour_bar() -> None:
    figure = plot(series(12))
    assert len(figure.axes) == 2
    assert figure.axes[1].get_ylabel() == "Dose (10¹⁶ ions/cm²)"
    assert len(figure.axes[0].lines) == 12


def test_normalising_and_shifting() -> None:
    two = series(2)
    axes = plot_spectrum(two, normalise="max").axes[0]
    assert [float(np.max(line.get_ydata())) for line in axes.lines] == [1.0, 1.0]
    area = plot_spectrum(two, normalise="area").axes[0].lines[0]
    x, y = area.get_xdata(), area.get_ydata()
    assert float(np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2)) == pytest.approx(1.0, rel=1e-12)
    shifted = plot_spectrum(two, normalise="range", offset=0.5).axes[0]
    assert float(np.min(shifted.lines[1].get_ydata())) == pytest.approx(0.5)
    assert len(shifted.get_yticks()) == 0
    assert "dose 1×10¹⁵ ions/cm²" in texts(shifted.figure)


@pytest.mark.parametrize("yscale", ["linear", "sqrt", "log"])
def test_vertical_scales(yscale: str, made: ModuleType) -> None:
    for dataset in (spectrum("XRD"), made.zirconium_3d(), made.xrd_match()):
        figure = plot(dataset, yscale=yscale)
        figure.draw_without_rendering()
        axes = figure.axes[0]
        assert axes.get_yscale() == {"sqrt": "function"}.get(yscale, yscale)
        if yscale == "sqrt":
            ticks = np.sqrt([tick for tick in axes.get_yticks() if tick >= 0])
            assert np.ptp(np.diff(ticks)) < 1e-9
            assert 3 <= ticks.size <= 8


def test_a_fit_shows_data_envelope_components_and_residuals(made: ModuleType) -> None:
    fit = made.zirconium_3d()
    figure = plot(fit)
    main, strip = figure.axes
    shown = {line.get_label(): line for line in main.lines}
    np.testing.assert_array_equal(shown["Data"].get_ydata(), fit.intensity.values)
    np.testing.assert_array_equal(shown["Fit"].get_ydata(), fit.model.values)
    np.testing.assert_array_equal(shown["Background"].get_ydata(), fit.background.values)
    assert len([one for one in main.collections if isinstance(one, PolyCollection)]) == 4
    legend = [text.get_text() for text in main.get_legend().get_texts()]
    assert legend == ["Data", "Fit", "NaSICON", "ZrO$_{2}$", "Background"]
    assert strip.get_xlabel() == "Binding energy (eV)"
    assert main.get_xlim() == strip.get_xlim() == (191.0, 178.0)
    assert main.get_title(loc="left") == "as_sintered, Zr 3d"


def test_the_fill_of_a_component_lies_between_background_and_sum(made: ModuleType) -> None:
    fit = made.zirconium_3d()
    fill = plot(fit).axes[0].collections[0].get_paths()[0].vertices
    background, top = fit.background.values, (fit.background + fit.contribution[0]).values
    assert fill[:, 1].max() == pytest.approx(top.max())
    assert fill[:, 1].min() == pytest.approx(background.min())


def test_residuals_are_roots_of_the_deviance(made: ModuleType) -> None:
    fit = made.zirconium_3d()
    residual, name = residual_of(fit)
    y, m = fit.intensity.values, fit.model.values
    deviance = 2 * np.sum(m - y + xlogy(y, y / m))
    assert float(np.sum(residual**2)) == pytest.approx(deviance, rel=1e-12)
    assert np.all(np.sign(residual) == np.sign(y - m))
    assert name == "Res. (σ)"
    empty = fit.assign(intensity=fit.intensity * 0)
    np.testing.assert_allclose(residual_of(empty)[0], -np.sqrt(2 * m), rtol=1e-12)


def test_residuals_follow_the_statistics(made: ModuleType) -> None:
    fit = made.zirconium_3d()
    given = fit.assign(intensity_unc=fit.intensity * 0 + 2.0).assign_attrs(statistics="given")
    np.testing.assert_allclose(residual_of(given)[0], (fit.intensity - fit.model).values / 2)
    unknown = fit.assign_attrs(statistics="unknown")
    residual, name = residual_of(unknown)
    np.testing.assert_array_equal(residual, (fit.intensity - fit.model).values)
    assert name == "Res. (counts)"


@pytest.mark.parametrize("verdict", ["check", "failed"])
def test_a_verdict_that_is_not_ok_stands_in_the_title(made: ModuleType, verdict: str) -> None:
    fit = made.zirconium_3d(verdict=verdict, reasons="at bound: z32; correlated")
    for title in (None, "", "Mine"):
        shown = plot(fit, title=title).axes[0].get_title(loc="left").replace("\n", " ")
        assert f"{verdict.upper()}: at bound: z32; correlated" in shown
    assert "CHECK" not in "".join(texts(plot(made.zirconium_3d())))


def test_leis_peaks_are_named_at_their_maximum(made: ModuleType) -> None:
    fit = made.helium_leis()
    main = plot(fit).axes[0]
    named = {artist.get_text(): artist.xy for artist in main.texts}
    assert list(named) == ["O", "Na", "Si", "P", "Zr"]
    for index, element in enumerate(named):
        place, level = named[element]
        assert place == fit.kinetic_energy.values[int(np.argmax(fit.contribution.values[index]))]
        assert level >= fit.model.interp(kinetic_energy=place)
    assert main.get_legend() is None
    assert main.get_title(loc="left") == "4He⁺ 3000 eV (simulated)"


def test_a_short_series_is_stacked_and_a_long_one_a_grid(made: ModuleType) -> None:
    four = made.stacked([made.helium_leis(seed=k) for k in range(4)], "dose", np.arange(1, 5) * 1e15, "ions/cm2")
    figure = plot(four)
    assert len(figure.axes) == 4
    assert [axes.get_title(loc="left") for axes in figure.axes] == [f"dose {k}×10¹⁵ ions/cm²" for k in range(1, 5)]
    assert len({axes.get_ylim() for axes in figure.axes}) == 1
    assert [bool(axes.get_xlabel()) for axes in figure.axes] == [False, False, False, True]
    assert len(plot(four, residuals=True).axes) == 8
    long = made.stacked([made.zirconium_3d(seed=k) for k in range(8)], "dose", np.arange(1, 9) * 1e15, "ions/cm2")
    assert len([axes for axes in plot(long).axes if axes.axison]) == 8


def test_a_very_long_series_says_how_much_it_shows(made: ModuleType) -> None:
    one = made.zirconium_3d()
    many = made.stacked([one] * 40, "cycle", np.arange(40))
    figure = plot(many)
    assert len([axes for axes in figure.axes if axes.axison]) == 30
    assert figure.get_suptitle() == "as_sintered, Zr 3d: 30 of 40 members"


def test_a_failed_fit_of_nan_is_drawn_as_data_alone(made: ModuleType) -> None:
    fit = made.zirconium_3d(verdict="failed", reasons="refused: no peak")
    for name in ("model", "background", "contribution"):
        fit[name] = fit[name] * np.nan
    figure = plot(fit)
    figure.draw_without_rendering()
    assert "FAILED" in figure.axes[0].get_title(loc="left")


def test_several_samples_over_a_reference_area(made: ModuleType) -> None:
    group = {name: made.zirconium_3d(factor, seed=k) for k, (name, factor) in enumerate([("a_1", 1.0), ("$b$", 0.5)])}
    figure = plot_stack(
        {"Zr 3d": group, "again": group}, scale={"a_1": 2.0, "$b$": 1.0}, scale_label="area of Zr 3d5/2"
    )
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Zr 3d", "again"]
    drawn = [line for line in figure.axes[0].lines if not line.get_label().startswith("_")]
    np.testing.assert_allclose(drawn[0].get_ydata(), group["a_1"].model.values / 2)
    np.testing.assert_allclose(drawn[1].get_ydata(), group["$b$"].model.values)
    assert "area of Zr 3d$_{5/2}$" in figure.axes[0].get_ylabel()
    flat = plot_stack(group, scale="max", subtract_background=True).axes[0]
    assert max(float(np.max(line.get_ydata())) for line in flat.lines if line.get_marker() != "None") == pytest.approx(
        1.0
    )


def test_a_match_has_pattern_ticks_and_difference(made: ModuleType) -> None:
    match = made.xrd_match()
    figure = plot(match)
    pattern, ticks, difference = figure.axes
    assert [text.get_text() for text in pattern.get_legend().get_texts()] == [
        "Measured", "Background", "Calculated", "Unexplained",
    ]  # fmt: skip
    np.testing.assert_array_equal(difference.lines[0].get_ydata(), (match.intensity - match.model).values)
    lines = [one for one in ticks.collections if isinstance(one, LineCollection)]
    assert sum(len(one.get_segments()) for one in lines) == match.sizes["reflection"]
    crosses = [line for line in ticks.lines if line.get_marker() == "x"]
    assert sum(len(line.get_xdata()) for line in crosses) == 1
    named = [label.get_text() for label in ticks.get_yticklabels()]
    assert named[0] == "NaSICON Na$_{3}$Zr$_{2}$Si$_{2}$PO$_{12}$\np > 0.99, (71.3 ± 2.1) wt %"
    assert named[1] == "lead Pb\np = 0.97, 20 wt % (n.d.)"
    assert "18.83°" in texts(figure)
    assert "CHECK: unknown phase likely" in pattern.get_title(loc="left")


def test_bragg_axes(made: ModuleType) -> None:
    # Si 111: a = 5.431 angstrom, d = a/sqrt(3) = 3.1356; Q = 2 pi/d
    d = 5.431 / np.sqrt(3)
    two_theta = 2 * np.rad2deg(np.arcsin(1.540598 / (2 * d)))
    assert two_theta == pytest.approx(28.443, abs=0.002)
    assert float(abscissa(np.array([two_theta]), "d", 1.540598)[0]) == pytest.approx(d, rel=1e-12)
    assert float(abscissa(np.array([two_theta]), "Q", 1.540598)[0]) == pytest.approx(2 * np.pi / d, rel=1e-12)
    spacing = plot_match(made.xrd_match(), axis="d", width="column")
    left, right = spacing.axes[0].get_xlim()
    assert left > right
    assert spacing.axes[-1].get_xlabel() == "d (Å)"
    assert plot_match(made.xrd_match(), axis="Q").axes[-1].get_xlabel() == "Q (Å⁻¹)"
    with pytest.raises(InputError, match="wavelength is not known"):
        plot_match(made.xrd_match(wavelength=float("nan")), axis="d")


def test_a_match_without_phase_or_as_a_series(made: ModuleType) -> None:
    match = made.xrd_match()
    none = match.isel(phase=slice(0, 0), reflection=slice(0, 0))
    assert "no phase identified" in texts(plot(none))
    pair = made.stacked([match, match], "sample", ["x=0", "x=0.3"])
    figure = plot(pair)
    assert len(figure.axes) == 3
    figure.draw_without_rendering()
    with pytest.raises(InputError, match="holds no pattern"):
        plot(match.drop_vars("intensity"))


def containers(axes: Any) -> list[ErrorbarContainer]:
    return [one for one in axes.containers if isinstance(one, ErrorbarContainer)]


def test_a_dose_series_has_error_bars_and_limits(made: ModuleType) -> None:
    table = made.dose_table()
    figure = plot_series(table, "normalised_area", by="element")
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["as_sintered", "polished", "annealed"]
    assert figure.axes[0].get_xlabel() == "Dose (10¹⁵ ions/cm²)"
    assert figure.axes[0].get_ylabel() == "Normalised area"
    assert len(containers(figure.axes[1])) == 5
    silicon = containers(figure.axes[0])[2]
    assert np.isnan(silicon.lines[0].get_ydata()[0])
    limits = [line for line in figure.axes[0].lines if line.get_marker() == "_" and len(line.get_xdata()) == 1]
    assert [float(line.get_ydata()[0]) for line in limits] == [0.06]
    assert len(figure.axes[0].texts) == 1


def test_a_value_without_uncertainty_has_no_error_bar(made: ModuleType) -> None:
    table = made.dose_table()
    sodium = containers(plot_series(table, "normalised_area").axes[1])[1]
    segments = sodium.lines[2][0].get_segments()
    drawn = [len(segment) == 2 and bool(np.all(np.isfinite(segment))) for segment in segments]
    assert drawn == [True, True, False, True]
    assert np.all(np.isfinite(sodium.lines[0].get_ydata()))


def test_spread_over_areas_and_bands(made: ModuleType) -> None:
    table = made.dose_table()
    oxygen = containers(plot_series(table, "normalised_area", errors="sd").axes[0])[0]
    low, high = oxygen.lines[2][0].get_segments()[0][:, 1]
    assert (high - low) / 2 == pytest.approx(float(table.normalised_area_sd[0, 0, 0]))
    band = plot_series(table, "coverage", band=True).axes[0]
    assert len(band.collections) == 3
    assert containers(band) == []


def test_a_table_of_shares_becomes_bars_from_zero(made: ModuleType) -> None:
    table = made.fraction_table()
    axes = plot(table).axes[0]
    heights = sorted(patch.get_height() for patch in axes.patches)
    np.testing.assert_allclose(heights, np.sort(table.atomic_percent.values.ravel()))
    assert axes.get_ylim()[0] == 0
    assert [label.get_text() for label in axes.get_xticklabels()] == ["Na", "Zr", "Si", "P", "O"]
    points = plot_table(table, marks="point", along="sample").axes[0]
    assert len(points.patches) == 0
    assert [label.get_text() for label in points.get_xticklabels()] == ["as_sintered", "polished"]


def test_a_number_that_is_not_determined_is_marked(made: ModuleType) -> None:
    figure = plot(made.dose_table(), variable="removal_cross_section")
    assert texts(figure).count("n.d.") == 1


def test_names_are_never_mathematics(made: ModuleType) -> None:
    name = "a_1 $x^2$ \\frac"
    table = made.fraction_table().assign_coords(sample=[name, "b"])
    for figure in (
        plot(spectrum("XPS", sample=name)),
        plot(made.zirconium_3d(sample=name)),
        plot(table),
        plot_table(table, along="sample", marks="bar"),
        plot_stack({name: spectrum("XPS")}),
    ):
        figure.draw_without_rendering()
        found = [artist for artist in figure.findobj(Text) if name in artist.get_text()]
        assert found
        assert not any(artist.get_parse_math() for artist in found)


def test_given_axes_are_used(made: ModuleType) -> None:
    figure = Figure()
    axes = figure.subplots(2, 2).ravel()
    for dataset, own in zip(
        (spectrum("XPS"), made.zirconium_3d(), made.xrd_match(), made.fraction_table()), axes, strict=True
    ):
        assert plot(dataset, ax=own) is figure
        assert own.has_data()
    assert len(figure.axes) == 4
    figure.draw_without_rendering()


def test_inputs_are_not_changed(made: ModuleType) -> None:
    for dataset in (series(3), made.zirconium_3d(), made.xrd_match(), made.dose_table()):
        for variable in dataset.variables.values():
            if isinstance(variable.values, np.ndarray) and variable.dtype.kind == "f" and variable.dims != ("dose",):
                variable.values.flags.writeable = False
        before = dataset.copy(deep=True)
        plot(dataset)
        assert dataset.identical(before)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: plot(spectrum("XPS"), yscal="log"), "Did you mean 'yscale'"),
        (lambda m: plot(spectrum("XPS"), yscale="cubic"), "unknown yscale"),
        (lambda m: plot(spectrum("XPS"), normalise="peak"), "no choice for normalise"),
        (lambda m: plot(series(2), offset=1, yscale="log"), "offset"),
        (lambda m: plot(spectrum("XPS"), width="poster"), "unknown width"),
        (lambda m: plot(spectrum("XPS"), width=900), "a width of 900 cm"),
        (lambda m: plot(spectrum("XPS"), ax=3), "ax is a int"),
        (lambda m: plot(spectra.spectrum([1, 2], [0, 0], technique="XPS"), normalise="max"), "cannot be normalised"),
        (lambda m: plot(m.zirconium_3d(), component_labels="above"), "no choice for component_labels"),
        (lambda m: plot_fit(m.zirconium_3d(), ax=Figure().add_subplot(), residuals=True), "more than one frame"),
        (lambda m: plot_match(m.xrd_match(), axis="s"), "no choice for axis"),
        (lambda m: plot_series(m.dose_table(), "area"), "no quantity 'area'"),
        (lambda m: plot_series(m.dose_table(), "coverage", by="element"), "no dimension 'element'"),
        (lambda m: plot_series(m.dose_table(), "coverage", along="cycle"), "no dimension 'cycle'"),
        (lambda m: plot_series(m.dose_table().expand_dims(spot=2), "normalised_area"), "more than a picture"),
        (lambda m: plot(m.fraction_table(), variable="area"), "no quantity 'area'"),
        (lambda m: plot(m.fraction_table()[["atomic_percent"]].isel(sample=0, element=0)), "no quantity with a dim"),
        (lambda m: plot_stack([]), "nothing to compare"),
        (lambda m: plot_stack(spectrum("XPS")), "nothing to compare"),
        (lambda m: plot_stack([spectrum("XPS", sample="a")] * 2), "two Datasets have the sample name"),
        (lambda m: plot_stack([series(2)]), "is a spectrum series"),
        (lambda m: plot_stack([spectrum("XPS")], scale=[0.0]), "scale of '1' is 0"),
        (lambda m: plot_stack([spectrum("XPS")], scale={"b": 1.0}), "missing"),
        (lambda m: plot_stack([spectrum("XPS")], scale=[1.0, 2.0]), "2 scales for 1 samples"),
        (lambda m: plot_stack([spectrum("XPS")], scale="area"), "unknown scale"),
        (lambda m: plot_stack([spectrum("XPS")], subtract_background=True), "no background"),
        (lambda m: plot_stack({"a": spectrum("XPS"), "b": spectrum("XRD")}), "different axes"),
    ],
)  # fmt: skip
def test_wrong_options_say_what_to_do(call: Any, message: str, made: ModuleType) -> None:
    with pytest.raises(InputError) as caught:
        call(made)
    assert message in str(caught.value)
    assert isinstance(caught.value, SurfspecError)
    assert caught.value.remedy


def test_a_dataset_without_kind_is_refused() -> None:
    with pytest.raises(SchemaError, match="does not say what it is"):
        plot(xr.Dataset())
