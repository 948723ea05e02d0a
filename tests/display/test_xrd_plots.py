"""Pictures and summaries of powder diffraction: axes, marks, many patterns, refinements, changes, reliability."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
import xarray as xr
from matplotlib.collections import LineCollection, QuadMesh

import surfspec as ss
from surfspec.display import diffraction_axis as bragg
from surfspec.display import plot, plot_changes, plot_match, plot_pattern, plot_refinement, plot_reliability, style
from surfspec.display import summary as summarise
from surfspec.display.match_summary import match_lines
from surfspec.errors import InputError

X = np.arange(20.0, 60.0, 0.04)


def texts(figure: object) -> str:
    return "\n".join(artist.get_text() for artist in figure.findobj(lambda a: hasattr(a, "get_text")))  # type: ignore[attr-defined]


def counts(seed: int, **parts: float) -> xr.Dataset:
    """Poisson counts of phases on a flat background, Cu Ka1."""
    total = sum(
        part * ss.xrd.pattern(ss.xrd.phases([name])[0], wavelength="CuKa1", two_theta=X).intensity.values
        for name, part in parts.items()
    )
    y = np.random.default_rng(seed).poisson(100 + 10 * total)
    return ss.spectrum(X, y, technique="XRD", wavelength=1.5405929, simulated="true", sample="mixture")


@pytest.fixture(scope="module")
def series() -> xr.Dataset:
    members = [counts(index, halite=1.0, KCl=0.2 * index) for index in range(4)]
    return ss.stack(members, dim="temperature", values=[300.0, 400.0, 600.0, 700.0])


@pytest.fixture(scope="module")
def refined() -> xr.Dataset:
    return ss.xrd.refine(counts(1, halite=1.0, corundum=1.0), ss.xrd.phases(["halite", "corundum"]))


def test_spacings_fall_to_the_right_evenly_in_the_scattering_vector(made: ModuleType) -> None:
    figure = plot_match(made.xrd_match(), axis="d")
    ax = figure.axes[0]
    figure.draw_without_rendering()
    d = bragg.abscissa(np.array([20.0, 40.0, 60.0]), "d", 1.540598)
    pixels = ax.transData.transform(np.column_stack([d, np.ones(3)]))[:, 0]
    assert np.all(np.diff(pixels) > 0)  # larger angles, smaller spacings, further right
    q = 1 / d
    assert (pixels[1] - pixels[0]) / (pixels[2] - pixels[0]) == pytest.approx((q[1] - q[0]) / (q[2] - q[0]), rel=1e-6)
    ticks = np.array(figure.axes[-1].get_xticks())
    low, high = sorted(ax.get_xlim())
    inside = ticks[(ticks >= low) & (ticks <= high)]
    places = np.sort(ax.transData.transform(np.column_stack([inside, np.ones(inside.size)]))[:, 0])
    assert inside.size >= 4
    assert np.diff(places).min() > 15 * figure.dpi / 72  # labels do not touch


def test_a_window_shows_its_part_and_scales_to_it(made: ModuleType) -> None:
    match = made.xrd_match()
    figure = plot_match(match, window=(60, 70))
    ax = figure.axes[0]
    low, high = ax.get_xlim()
    assert low == pytest.approx(60, abs=0.03)
    assert high == pytest.approx(70, abs=0.03)
    inside = match.intensity.sel(two_theta=slice(60, 70)).values
    assert inside.max() < ax.get_ylim()[1] < 0.5 * float(match.intensity.max())
    assert "18.83°" not in texts(figure)  # the unexplained line lies outside
    for bad in ((90, 95), (1,), "ab"):
        with pytest.raises(InputError, match="window"):
            plot_match(match, window=bad)  # type: ignore[arg-type]


def test_names_of_phases_are_readable_in_the_colour_of_their_ticks(made: ModuleType) -> None:
    def contrast(shade: str) -> float:
        parts = [int(shade[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 1.05 / (float(np.dot(linear, (0.2126, 0.7152, 0.0722))) + 0.05)

    assert all(contrast(style.readable(shade)) >= 4.45 for shade in style.COLORS)
    labels = plot_match(made.xrd_match()).axes[1].get_yticklabels()
    assert len({label.get_color() for label in labels}) == 3


def test_lines_of_other_radiation_are_not_unexplained(made: ModuleType) -> None:
    match = made.xrd_match().assign_coords(origin=("peak", ["K-beta of 20.88"]))
    drawn = texts(plot_match(match))
    assert "Other radiation" in drawn
    assert "Unexplained" not in drawn
    text = summarise(match)
    assert "lines of other radiation (1): 18.83° (K-beta of 20.88)" in text
    assert "unexplained lines" not in text


def test_the_summary_names_what_decides_and_what_is_open(made: ModuleType) -> None:
    match = made.xrd_match().assign(
        candidate_verdict=("candidate", ["present", "present", "present", "absent"]),
        deciding_two_theta=("candidate", [19.1, 28.17, np.nan, 18.83], {"units": "deg"}),
        unknown_probability=((), 0.31, {"units": "1"}),
        alternative_probability=("alternative", [0.8, 0.15, 0.001], {"units": "1"}),
    )
    match = match.assign_coords(
        alternative_phases=("alternative", ["nasicon + zro2 + pb", "nasicon + pb", "pb"]),
        rival=("phase", ["", "", "na15pb4"]),
    )
    match["candidate_probability"] = ("candidate", [0.999, 0.83, 0.97, 0.004], {"units": "1"})
    lines = match_lines(match)
    whole = "\n".join(lines)
    assert "unlisted phase" in whole
    assert "p = 0.31" in whole
    rows = {line.split()[0]: line for line in lines}
    assert "28.17°" in rows["baddeleyite"]
    assert "no clean line" in rows["lead"]
    assert "sets: nasicon + zro2 + pb (p = 0.80); nasicon + pb (p = 0.15)" in whole
    assert "could also be: na15pb4 for pb" in whole
    assert "absent (1): na15pb4 < 1.3 wt %" in whole
    assert "not ruled out" not in whole
    open_ = match.assign(candidate_verdict=("candidate", ["present", "present", "present", "cannot tell"]))
    assert "cannot tell (1): na15pb4 (p < 0.01, hidden below 1.3 wt %)" in "\n".join(match_lines(open_))
    chance = match.candidate_probability.values.copy()
    chance[-1] = 0.3
    open_ = open_.assign(candidate_probability=("candidate", chance, {"units": "1"}))
    assert "not ruled out (1): na15pb4 (p = 0.30, seen from 1.3 wt %)" in "\n".join(match_lines(open_))
    assert all(len(line) <= 100 for line in summarise(match).splitlines())


def test_cards_stand_below_a_pattern_as_sticks_of_their_intensity() -> None:
    card = ss.xrd.pattern(ss.xrd.phases(["KCl"])[0], wavelength="CuKa1", two_theta=(20, 60))
    for yscale, power in (("linear", 1.0), ("sqrt", 0.5)):
        figure = plot_pattern(counts(1, halite=1.0), cards={"sylvite KCl": card}, yscale=yscale)
        assert [label.get_text() for label in figure.axes[1].get_yticklabels()] == ["sylvite KCl"]
        sticks = [one for one in figure.axes[1].collections if isinstance(one, LineCollection)]
        segments = [segment for one in sticks for segment in one.get_segments()]
        height = {round(segment[0][0], 3): abs(segment[1][1] - segment[0][1]) for segment in segments}
        expected = (card.relative_intensity.values / 100) ** power
        heights = np.array([height[round(float(place), 3)] for place in card.reflection_two_theta.values])
        np.testing.assert_allclose(heights / heights.max(), np.maximum(expected, 0.06), rtol=1e-6)
    with pytest.raises(InputError, match="holds no lines"):
        plot_pattern(counts(1, halite=1.0), cards=counts(1, halite=1.0))


def test_found_peaks_are_marked_and_named_without_overlap() -> None:
    pattern = counts(1, halite=3.0)
    peaks = ss.xrd.find_peaks(pattern, wavelength="CuKa1")
    figure = plot_pattern(pattern, peaks=peaks)
    (marks,) = [line for line in figure.axes[0].lines if line.get_marker() == "v"]
    assert len(marks.get_xdata()) == peaks.sizes["peak"]
    named = [text for text in figure.axes[0].texts if text.get_text()[:2].isdigit()]
    assert len(named) == min(peaks.sizes["peak"], 24)
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in named]
    assert not any(one.overlaps(other) for at, one in enumerate(boxes) for other in boxes[:at])
    with pytest.raises(InputError, match="one pattern"):
        plot_pattern({"a": pattern, "b": pattern}, peaks=peaks)


def test_a_series_as_lines_waterfall_and_map(series: xr.Dataset) -> None:
    for kind in ("lines", "waterfall"):
        figure = plot_pattern(series, kind=kind, offset=0.5)
        ax = figure.axes[0]
        drawn = [line.get_ydata() for line in ax.lines]
        assert len(drawn) == 4
        lowest = [float(np.min(line)) for line in drawn]
        steps = np.diff(lowest)
        span = max(float(np.ptp(series.intensity.values[index])) for index in range(4))
        np.testing.assert_allclose(steps, 0.5 * span, rtol=1e-9)
        assert "temperature 300" in texts(figure)
        assert ax.get_yticks().size == 0
    figure = plot_pattern(series, kind="map", yscale="sqrt")
    (mesh,) = [one for one in figure.axes[0].collections if isinstance(one, QuadMesh)]
    np.testing.assert_allclose(mesh.get_array().reshape(4, -1), np.sqrt(series.intensity.values))
    assert figure.axes[0].get_ylabel().startswith("Temperature")
    assert "Simulated" in texts(plot(series)) or "simulated" in texts(plot(series))


@pytest.mark.parametrize(
    ("options", "message"),
    [({"kind": "pie"}, "no choice for kind"), ({"offset": -1}, "offset"), ({"normalise": "area"}, "normalise")],
)
def test_patterns_refuse_what_they_cannot_draw(series: xr.Dataset, options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        plot_pattern(series, **options)  # type: ignore[arg-type]


def test_a_refinement_shows_agreement_cells_and_difference(refined: xr.Dataset) -> None:
    figure = plot(refined)
    pattern, ticks, difference = figure.axes
    np.testing.assert_allclose(difference.lines[0].get_ydata(), (refined.intensity - refined.model).values)
    words = texts(figure)
    assert f"Rwp = {float(refined.r_wp):.3g} %" in words
    named = "\n".join(label.get_text() for label in ticks.get_yticklabels())
    assert "a = 5.6" in named
    assert "c = 12.9" in named
    lines = [one for one in ticks.collections if isinstance(one, LineCollection)]
    assert sum(len(one.get_segments()) for one in lines) == refined.sizes["reflection"]
    assert pattern.get_xlim() == difference.get_xlim()
    text = summarise(refined)
    assert "agreement" in text
    assert "R Bragg" in text
    assert all(len(line) <= 100 for line in text.splitlines())
    with pytest.raises(InputError, match="no refinement"):
        plot_refinement(ss.xps.fit(_zirconium(), "Zr 3d"))


def _zirconium() -> xr.Dataset:
    e = np.arange(176.0, 192.0, 0.2)
    line = np.exp(-((e - 182.4) ** 2)) + 0.67 * np.exp(-((e - 184.8) ** 2))
    return ss.spectrum(e, np.round(50 + 800 * line), technique="XPS")


def test_changes_are_marked_with_what_they_did() -> None:
    table = ss.xrd.changes(counts(1, halite=1.0), counts(2, halite=1.0, KCl=1.0), wavelength="CuKa1")
    figure = plot(table)
    above, below = figure.axes
    assert "Appeared" in texts(figure)
    np.testing.assert_allclose(below.lines[0].get_ydata(), table.difference.values)
    assert above.get_title(loc="left").replace("\n", " ").endswith(str(table.attrs["conclusion"]))
    assert "simulated" in above.get_title(loc="left")
    with pytest.raises(InputError, match="compares no"):
        plot_changes(xr.Dataset(attrs={"kind": "table", "technique": "XRD"}))
    with pytest.raises(InputError, match="more than one frame"):
        plot(table, ax=figure.axes[0])


def test_a_reliability_diagram_states_the_calibration_error() -> None:
    # ECE by hand: (50 * 0.05 + 50 * 0.15) / 100 = 0.10
    table = xr.Dataset(
        {
            "probability": ("bin", [0.1, 0.55, 0.9], {"units": "1"}),
            "frequency": ("bin", [0.15, np.nan, 0.75], {"units": "1"}),
            "frequency_unc": ("bin", [0.05, np.nan, 0.06], {"units": "1"}),
            "count": ("bin", [50, 0, 50]),
        },
        attrs={"kind": "table", "technique": "XRD", "simulated": "true"},
    )
    figure = plot_reliability(table)
    assert "ECE 0.100, 100 cases" in texts(figure)
    assert figure.axes[0].get_title(loc="left") == "Simulated"
    with pytest.raises(InputError, match="outside 0 to 1"):
        plot_reliability(table.assign(frequency=("bin", [15.0, np.nan, 75.0], {"units": "1"})))
    with pytest.raises(InputError, match="no count"):
        plot_reliability(table.drop_vars("count"))


def test_an_absent_phase_of_a_series_is_a_limit_with_an_arrow() -> None:
    one = {"units": "1"}
    table = xr.Dataset(
        {
            "weight_fraction": (("x", "phase"), [[0.98, np.nan], [0.95, 0.05]], one),
            "weight_fraction_unc": (("x", "phase"), [[0.01, np.nan], [0.01, 0.01]], one),
            "detection_limit": (("x", "phase"), [[0.4, 0.006], [0.4, 0.006]], one),
            "present": (("x", "phase"), [[1, 0], [1, 1]]),
        },
        coords={"x": ("x", [0.0, 0.3], one), "phase": ["NZSP", "ZrSiO4"]},
        attrs={"kind": "table", "technique": "XRD"},
    )
    ax = ss.display.plot_series(table, "weight_fraction", along="x").axes[0]
    arrows = [text for text in ax.texts if getattr(text, "arrow_patch", None) is not None]
    assert [tuple(arrow.xy) for arrow in arrows] == [(0.0, 0.006)]


def test_found_lines_are_sticks_and_their_widths_points() -> None:
    pattern = counts(3, halite=1.0)
    found = ss.xrd.find_peaks(pattern)
    figure = plot(found)
    heights, widths = figure.axes
    strong = int(np.argmax(found.height.values))
    sticks = np.concatenate([c.get_segments() for c in heights.collections if isinstance(c, LineCollection)])
    tops = {round(float(stick[1, 0]), 6): float(stick[1, 1]) for stick in sticks if stick[0, 1] == 0}
    assert tops[round(float(found.peak_two_theta[strong]), 6)] == pytest.approx(float(found.height[strong]))
    assert "31.7" in texts(figure)  # halite 200, Cu Ka1
    assert "simulated" in heights.get_title(loc="left")
    assert widths.get_ylabel() == "FWHM (°)"
    assert plot(found, axis="d").axes[0].get_xlim()[0] > plot(found, axis="d").axes[0].get_xlim()[1]
    assert "1 line" in plot(found, window=(31, 33)).axes[0].get_title(loc="left")
    for bad in ((90, 95), (1,), "ab"):
        with pytest.raises(InputError, match="window"):
            plot(found, window=bad)
    with pytest.raises(InputError, match="option 'along'"):
        plot(found, along="peak")
    with pytest.raises(InputError, match="find_peaks"):
        ss.display.plot_peaks(ss.xrd.background(pattern))


def test_a_background_lies_under_the_pattern_it_came_from() -> None:
    pattern = counts(3, halite=1.0)
    table = ss.xrd.background(pattern)
    (ax,) = plot(table, yscale="linear").axes
    curves = {str(line.get_label()): np.asarray(line.get_ydata()) for line in ax.get_lines()}
    assert curves["Simulated"] == pytest.approx(pattern.intensity.values)
    assert curves["Background"] == pytest.approx(table.background.values)
    assert np.median(curves["Background"]) == pytest.approx(100, abs=5)


def test_what_a_card_lets_expect_is_called_calculated() -> None:
    card = ss.xrd.pattern(ss.xrd.phases(["halite"])[0], wavelength="CuKa1", two_theta=X)
    ax = plot_pattern(card).axes[0]
    assert ax.get_title(loc="left") == "Calculated: NaCl"
    assert [str(line.get_label()) for line in ax.get_lines()] == ["Calculated"]
    drawn = plot_pattern({"measured": counts(3, halite=1.0), "card": card})
    assert "Simulated" in texts(drawn)  # one of the two is data


def test_reasons_in_a_title_end_with_a_word(refined: xr.Dataset) -> None:
    reasons = "; ".join([
        "chi-square improbable: reduced 1.45, uncertainties are widened by 2.02",
        "residual structure: score 16.4, Durbin-Watson 1.44",
        "microabsorption: weight fractions are biased unless grains are fine (Pb_fcc, ZrO2_m)",
        "ambiguous: two cards of one structure explain the pattern alike, and nothing here can tell them apart",
    ])  # fmt: skip
    doubtful = refined.assign(verdict=((), "check"), reasons=((), reasons))
    title = plot_refinement(doubtful).axes[0].get_title(loc="left")
    assert title.count("(") == title.count(")")
    assert "microabsorption" in title
    assert "(Pb_fcc" not in title


def test_a_probability_that_calibration_moved_is_told_twice(made: ModuleType) -> None:
    match = made.xrd_match()
    stated = match.probability.values
    moved = match.assign(model_probability=("phase", np.where(np.arange(stated.size) == 0, stated - 0.3, stated)))
    told = [line for line in match_lines(moved) if line.startswith("before calibration")]
    name, before = str(match.phase.values[0]), stated[0] - 0.3
    assert told == [f"before calibration: {name} p = {before:.2f}"]
    assert not any("before calibration" in line for line in match_lines(match))


def test_a_trend_shows_fractions_where_a_phase_comes_and_the_line_of_its_cell(series: xr.Dataset) -> None:
    amounts = ss.xrd.fractions(series, ["halite", "KCl"])
    trend = ss.xrd.follow(amounts)
    figure = ss.display.plot_trend(trend, amounts)
    above, below = figure.axes
    place, unc = (float(trend[name].sel(phase="KCl")) for name in ("appears", "appears_unc"))
    assert (place, unc) == (350.0, pytest.approx(100 / 12**0.5))  # between 300 K without and 400 K with it
    band = next(patch for patch in above.patches if patch.get_x() == pytest.approx(place - unc))
    assert band.get_width() == pytest.approx(2 * unc)
    assert "↑" in texts(figure)
    points = {bar.get_label(): bar.lines[0] for bar in below.containers}
    assert points["KCl"].get_xdata().tolist() == [400.0, 600.0, 700.0]  # no cell where there is no phase
    assert points["halite"].get_ydata() == pytest.approx(100 * amounts.strain.sel(phase="halite").values)
    with pytest.raises(InputError, match="others"):
        ss.display.plot_trend(trend, amounts.isel(temperature=[0, 1]))
    with pytest.raises(InputError, match="follow"):
        ss.display.plot_trend(amounts)


def compared(**attrs: str) -> xr.Dataset:
    """A comparison by hand: two lines, three candidates."""
    x = np.linspace(20.0, 40.0, 201)
    y = 100 + 900 * np.exp(-(((x - 31.27) / 0.2) ** 2))
    curves = {
        "intensity": y,
        "expected": y - 50,
        "difference": np.full(x.size, 50.0),
        "height_limit": np.full(201, 9.0),
    }
    units = {"units": "counts", "long_name": "Intensity"}
    lines = {
        "line_two_theta": ([31.27, 36.26], "deg"), "d": ([2.8581, 2.4752], "angstrom"),
        "height_change": ([540.0, 212.0], "counts"), "height_change_unc": ([12.0, 31.0], "counts"),
        "relative_intensity": ([100.0, 39.3], "percent"), "significance": ([45.2, 6.84], "1"),
        "weight_fraction_limit": ([0.213, 0.0042, 0.9], "1"), "phase_significance": ([50.1, 0.4, 9.0], "1"),
    }  # fmt: skip
    table = xr.Dataset(
        {name: ("two_theta", values, units) for name, values in curves.items()}
        | {name: ("candidate" if len(values) == 3 else "line", values, {"units": unit, "long_name": name})
           for name, (values, unit) in lines.items()},
        coords={"two_theta": ("two_theta", x, {"units": "deg", "long_name": "2θ"}),
                "candidate": ["Pb_fcc", "ZrO2_m", "Na_bcc"], "name": ("candidate", ["Lead", "Baddeleyite", "Sodium"])},
    )  # fmt: skip
    table["difference_unc"] = ("two_theta", np.full(x.size, 10.0), units)
    table["change"] = ("line", np.array(["appeared", "grew"]))
    table["phase_change"] = ("candidate", np.array(["more", "none", "not determined"]))
    made = {"kind": "table", "technique": "XRD", "conclusion": "1 line appeared; 1 line grew", "sample": "pellet",
            "intensity_ratio": 0.42636, "intensity_ratio_unc": 0.0093, "shift": 0.0097, "shift_unc": 0.0027,
            "line_limit": 0.3773, "wavelength": 1.5405929}  # fmt: skip
    return table.assign_attrs(**made, **attrs)


def test_a_comparison_is_told_by_position_with_its_conclusion() -> None:
    text = summarise(compared())
    rows = [line.split() for line in text.splitlines()]
    assert ["31.27", "2.8581", "appeared", "540", "±", "12", "100", "45"] in rows
    assert ["36.26", "2.4752", "grew", "210", "±", "30", "39", "6.8"] in rows
    assert ["Pb_fcc", "Lead", "more", "50", "21"] in rows  # at most 21 wt %
    assert "conclusion      1 line appeared; 1 line grew" in text
    assert "0.426(9)" in text
    assert "no change seen of (1): ZrO2_m < 0.42 wt %" in text
    assert "Na_bcc" not in text  # nothing can be said of it
    assert len(text.splitlines()) < 20  # no raw counts


def test_a_comparison_that_failed_says_so_in_words_and_picture() -> None:
    reason = "model inadequate: the shift stands at its bound; ambiguous: another mounting"
    doubtful = compared(verdict="check", reasons=reason)
    assert f"verdict         check: {reason}" in summarise(doubtful)
    assert "CHECK: model inadequate: the shift stands at its bound" in " ".join(
        plot_changes(doubtful).axes[0].get_title(loc="left").split()
    )
    assert "CHECK" not in plot_changes(compared()).axes[0].get_title(loc="left")


def test_reasons_of_amounts_are_told_and_unknown_digits_are_not(series: xr.Dataset) -> None:
    table = ss.xrd.fractions(series, ["halite", "KCl"])
    reasons = np.array(["", "ambiguous: two cards; microabsorption: KCl", "not determined: no line", ""])
    told = summarise(table.drop_vars(["verdict", "reasons"], errors="ignore").assign(reasons=("temperature", reasons)))
    assert "reasons, temperature 400  ambiguous: two cards; microabsorption: KCl" in told
    assert "reasons, temperature 600  not determined: no line" in told
    one = {"units": "1"}
    made = xr.Dataset(
        {"weight_fraction": ("phase", [0.24134], one), "weight_fraction_unc": ("phase", [np.nan], one)},
        coords={"phase": ["KCl"]}, attrs={"kind": "table", "technique": "XRD", "reasons": "not determined: covariance"},
    )  # fmt: skip
    text = summarise(made)
    assert "0.24 (n.d.)" in text
    assert "reasons  not determined: covariance" in text


def test_a_refinement_tells_its_texture_and_a_cell_its_hint(refined: xr.Dataset) -> None:
    assert "texture" not in summarise(refined).split("phase")[0]
    plates = refined.assign(
        texture=("component", [0.661, 1.0], {"units": "1"}), texture_unc=("component", [0.003, 0.0], {"units": "1"}),
        texture_direction=("component", np.array(["001", ""])),
    )  # fmt: skip
    assert f"{refined.component.values[0]} r = 0.661(3) along 001" in summarise(plates)
    cells = ss.xrd.cells(refined)
    assert all(str(hint) in summarise(cells) for hint in cells.hint.values if str(hint))


def test_calculated_lines_above_the_counts_stay_in_the_frame(made: ModuleType) -> None:
    match = made.xrd_match()
    tall = match.assign(model=match.model * 3.0)
    assert plot_match(tall).axes[0].get_ylim()[1] > float(tall.model.max())


def test_long_labels_and_ids_stay_whole_in_a_low_picture() -> None:
    one = {"units": "1", "long_name": "Weight fraction of the named crystalline phases"}
    table = xr.Dataset(
        {"weight_fraction": ("x", [0.1, 0.2], one)}, coords={"x": ("x", [0.0, 1.0], {"units": "1"})},
        attrs={"kind": "table", "technique": "XRD"},
    )  # fmt: skip
    figure = ss.display.plot_series(table, "weight_fraction", along="x")
    figure.draw_without_rendering()
    box = figure.axes[0].yaxis.label.get_window_extent()
    assert figure.bbox.y0 <= box.y0 < box.y1 <= figure.bbox.y1
    words = plot_changes(
        compared(verdict="check", reasons="ambiguous: x").assign_attrs(sample="a_" * 60), width="column"
    )
    title = words.axes[0].get_title(loc="left")
    assert "…" in title.split("\n")[0]
    words.draw_without_rendering()
    assert words.axes[0]._left_title.get_window_extent().x1 <= words.bbox.x1  # type: ignore[attr-defined]


@pytest.mark.parametrize("yscale", ["linear", "sqrt", "log"])
def test_positions_of_marked_lines_stay_below_the_title(yscale: str) -> None:
    figure = plot_changes(compared(), yscale=yscale)
    figure.draw_without_rendering()
    ax = figure.axes[0]
    (text,) = [one for one in ax.texts if one.get_text() == "31.27°"]
    assert text.get_window_extent().y1 <= ax.get_window_extent().y1
