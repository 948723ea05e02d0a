"""Pictures of scattered ions: scales, names, what is drawn where, what is refused."""

from __future__ import annotations

import io

import numpy as np
import pytest
import xarray as xr
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.text import Text
from scipy.optimize import least_squares
from scipy.special import gammaincc

import surfspec as ss
from surfspec.display.mass_scale import ion_mass, target_masses
from surfspec.errors import InputError

GEOMETRY = {"technique": "LEIS", "ion": "4He", "ion_energy": 3000.0, "scattering_angle": 145.0, "simulated": "true"}
ENERGY = np.arange(900.0, 2850.0, 5.0)
ONE = {"units": "1", "long_name": "Normalised area"}
DOSE = ("dose", [1.6e15, 3.2e15, 4.8e15, 6.4e15], {"units": "ions/cm2"})


def fit_of(oxygen: float, zirconium: float, **attrs: object) -> xr.Dataset:
    """A fitted spectrum of two peaks on a step: simulated."""
    counts = 20.0 + 200.0 / (1 + np.exp((ENERGY - 2540.0) / 12.0))
    for height, place in ((oxygen, 1182.1), (zirconium, 2557.0)):
        counts = counts + height * np.exp(-0.5 * ((ENERGY - place) / 18.0) ** 2)
    drawn = np.random.default_rng(7).poisson(counts)
    spectrum = ss.spectrum(ENERGY, drawn, **{**GEOMETRY, "sample": "pellet", **attrs})
    return ss.leis.fit(spectrum, ss.leis.Recipe(elements=("O", "Zr")))


@pytest.fixture(scope="module")
def bare() -> xr.Dataset:
    return fit_of(500.0, 800.0)


@pytest.fixture(scope="module")
def covered() -> xr.Dataset:
    return fit_of(700.0, 0.0)


@pytest.fixture(scope="module")
def lines() -> xr.Dataset:
    return ss.leis.line_table(["O", "Zr"])


def texts(figure: Figure) -> list[str]:
    return [artist.get_text() for artist in figure.findobj(Text) if artist.get_text()]


def grey(figure: Figure) -> np.ndarray:
    """The picture in shades of grey, from 0 to 1."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    buffer.seek(0)
    return imread(buffer)[..., :3] @ np.array([0.299, 0.587, 0.114])


def norm_table(**variables: object) -> xr.Dataset:
    table = xr.Dataset(
        {"normalised_area": (("dose", "element"), np.array([[0.6, 0.0], [0.5, 0.0], [0.5, 0.1], [0.4, 0.2]]), ONE)},
        coords={"dose": DOSE, "element": ["O", "Si"]},
        attrs={"kind": "table", "technique": "LEIS", "simulated": "true"},
    )
    detected = np.array([[1, 0], [1, 0], [1, 1], [1, 1]])
    table["normalised_area_sd"] = (("dose", "element"), np.full((4, 2), 0.03), ONE)
    table["detected"] = (("dose", "element"), detected, {"units": "1"})
    table["upper_limit"] = (("dose", "element"), np.where(detected == 0, 0.05, np.nan), ONE)
    return table.assign(variables)


def coverage_table(theta: float = 0.95, sigma: float = 2.5e-16, layers: int = 2) -> xr.Dataset:
    end = np.array(DOSE[1])
    start = np.r_[0.0, end[:-1]]
    grid = np.linspace(start, end, 4001)
    mean = theta * gammaincc(layers, sigma * grid).mean(axis=0)
    table = xr.Dataset(
        {
            "coverage": ("dose", mean, {"units": "1"}),
            "coverage_unc": ("dose", np.full(4, 0.01), {"units": "1"}),
            "dose_model": ("dose", mean, {"units": "1"}),
            "zero_dose_coverage": ((), theta, {"units": "1"}),
            "zero_dose_coverage_unc": ((), 0.012, {"units": "1"}),
            "removal_cross_section": ((), sigma, {"units": "cm2"}),
            "removal_cross_section_unc": ((), 8e-18, {"units": "cm2"}),
            "monolayers": ((), layers, {"units": "1"}),
            "sputter_budget": (("dose", "bound"), np.outer(end / 6.4e15, [0.043, 0.172]), {"units": "nm"}),
        },
        coords={"dose": DOSE, "bound": ["low", "high"]},
        attrs={"kind": "table", "technique": "LEIS", "simulated": "true", "start_dose": 0.0, "sputter_yield_high": 0.2},
    )
    ss.check(table)
    return table


@pytest.mark.parametrize(
    ("ion", "energy", "angle", "mass", "line"),  # mass and line energies by the expected-value tables
    [("4He", 3000.0, 145.0, 15.994915, 1181.825), ("4He", 3000.0, 145.0, 89.904699, 2551.14),
     ("20Ne", 5000.0, 145.0, 30.973762, 295.81), ("40Ar+", 5000.0, 145.0, 89.904699, 870.88)],
)  # fmt: skip
def test_masses_belong_to_energies(ion: str, energy: float, angle: float, mass: float, line: float) -> None:
    found = target_masses(np.array([line]), projectile=ion_mass(ion), ion_energy=energy, angle=angle)
    assert found[0] == pytest.approx(mass, abs=2e-3)


def test_masses_where_there_are_none() -> None:
    found = target_masses(np.array([-5.0, 0.0, 3000.0, 3100.0]), projectile=4.002, ion_energy=3000.0, angle=145.0)
    assert np.isnan(found).all()
    for text in ("He", "nothing", "999He", "4Xy"):
        with pytest.raises(InputError, match="isotope"):
            ion_mass(text)
    assert ion_mass("4He2+") == pytest.approx(ion_mass("4He") - 0.000548579909)


def test_one_fit_with_elements_isotopes_and_masses(bare: xr.Dataset, lines: xr.Dataset) -> None:
    figure = ss.display.plot_ions(bare, lines=lines)
    main, strip, upper = figure.axes
    assert (strip.get_xlabel(), upper.get_xlabel()) == ("Kinetic energy (eV)", "Target mass (u)")
    assert main.get_ylabel() == "Intensity (counts)"
    assert "(simulated)" in main.get_title(loc="left")
    assert {"O\n1182", "Zr\n2557"} <= set(texts(figure))
    offset = float(bare.value.sel(parameter="offset"))
    drawn = np.concatenate([c.get_segments() for c in strip.collections if isinstance(c, LineCollection)])[:, 0, 0]
    known = lines.energy.values[np.isfinite(lines.energy.values)]
    np.testing.assert_allclose(np.sort(drawn), np.sort(known + offset))
    places = dict(zip([t.get_text() for t in upper.get_xticklabels()], upper.get_xticks(), strict=True))
    on_scale = float(places["50"]) - offset
    # the kinematics of mass 50 by another function of the package
    assert on_scale == pytest.approx(3000.0 * kinematic_factor(50.0), abs=0.2)


def kinematic_factor(mass: float) -> float:
    ratio, angle = mass / 4.002054, np.radians(145.0)
    return float(((np.cos(angle) + np.sqrt(ratio**2 - np.sin(angle) ** 2)) / (1 + ratio)) ** 2)


def test_absent_elements_are_in_brackets(covered: xr.Dataset) -> None:
    flags = dict(zip(covered.component.values, covered.flag.values, strict=True))
    assert flags["Zr"] == "below_detection"
    written = texts(ss.display.plot_ions(covered, mass_axis=False))
    assert "(Zr)" in written
    assert "O" in written


def test_two_fits_lie_over_each_other(bare: xr.Dataset, covered: xr.Dataset) -> None:
    figure = ss.display.plot_ions({"surface": covered, "bulk": bare})
    main = figure.axes[0]
    assert {"surface", "bulk"} <= set(texts(figure))
    assert main.get_title(loc="left").startswith("Simulated")
    filled = [one for one in main.collections if isinstance(one, PolyCollection)]
    assert len({tuple(one.get_facecolor()[0]) for one in filled}) == len({one.get_hatch() for one in filled}) == 2
    lightness = [0.299 * r + 0.587 * g + 0.114 * b for r, g, b, _ in (one.get_edgecolor()[0] for one in filled)]
    assert abs(lightness[0] - lightness[1]) > 0.08
    scaled = ss.display.plot_ions({"surface": covered, "bulk": bare}, normalise="max", offset=0.5).axes[0]
    tops = [float(np.max(line.get_ydata())) for line in scaled.lines if line.get_marker() != "None"]
    assert tops[1] == pytest.approx(1.5, abs=0.1)
    assert "shifted" in scaled.get_ylabel()
    by_area = ss.display.plot_ions(bare, normalise="area").axes[0]
    assert by_area.get_ylabel().startswith("Intensity / summed peak area")


def test_a_logarithmic_scale(bare: xr.Dataset) -> None:
    main = ss.display.plot_ions(bare, yscale="log").axes[0]
    low, high = main.get_ylim()
    assert 0 < low < bare.intensity.values[bare.intensity.values > 0].min() * 1.01
    assert high > bare.intensity.values.max()


@pytest.mark.parametrize(
    ("change", "word"),
    [({"normalise": "sum"}, "normalise"), ({"yscale": "log", "offset": 0.5}, "offset"), ({"yscale": "cubic"}, "yscale"),
     ({"offset": -1.0}, "offset"), ({"lines": xr.Dataset()}, "lines")],
)  # fmt: skip
def test_ions_refuse(bare: xr.Dataset, change: dict, word: str) -> None:
    with pytest.raises(InputError, match=word):
        ss.display.plot_ions(bare, **change)


def test_ions_refuse_what_does_not_belong_together(bare: xr.Dataset) -> None:
    with pytest.raises(InputError, match="145 deg"):
        ss.display.plot_ions({"a": bare, "b": bare.assign_attrs(scattering_angle=130.0)})
    with pytest.raises(InputError, match="series"):
        ss.display.plot_ions(bare.expand_dims("dose"))
    with pytest.raises(InputError, match="fits"):
        ss.display.plot_ions({})
    bald = bare.copy()
    del bald.attrs["scattering_angle"]
    with pytest.raises(InputError, match="scattering_angle"):
        ss.display.plot_ions(bald)
    assert len(ss.display.plot_ions(bald, mass_axis=False).axes) == 1


def test_doubts_stand_in_the_title(bare: xr.Dataset, covered: xr.Dataset) -> None:
    doubtful = bare.assign(verdict=((), "check"), reasons=((), "model inadequate: foot"))
    assert "model inadequate" in " ".join(ss.display.plot_ions(doubtful).axes[0].get_title(loc="left").split())
    long = "model inadequate: two phases leave a chi-square of 3.1, of the total area mostly O (-3.1 %) and Si (-2.3 %)"
    both = bare.assign(verdict=((), "check"), reasons=((), f"{long}; ambiguous: films of 2, 3 monolayers fit alike"))
    title = " ".join(ss.display.plot_ions(both, width="column").axes[0].get_title(loc="left").split())
    assert "..." not in title
    assert title.endswith("CHECK: model inadequate: two phases leave a chi-square of 3.1; ambiguous")
    fine = covered.assign(verdict=((), "ok"), reasons=((), ""))
    overlaid = ss.display.plot_ions({"surface": fine, "bulk": doubtful}).axes[0].get_title(loc="left")
    assert "CHECK: bulk: model inadequate" in " ".join(overlaid.split())


def test_dose_series_of_several_samples() -> None:
    figure = ss.display.plot_dose({"as sintered": norm_table(), "polished": norm_table()})
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["O", "Si"]
    assert "Simulated" in texts(figure)
    oxygen, silicon = figure.axes
    bars = [one for one in oxygen.containers if isinstance(one, ErrorbarContainer)]
    assert [bar.get_label() for bar in bars] == ["as sintered", "polished"]
    first, second = (bar[0].get_xdata() for bar in bars)
    assert np.all(second > first)
    np.testing.assert_allclose((first + second) / 2, DOSE[1])
    ends = bars[0][2][0].get_segments()
    np.testing.assert_allclose([end[1][1] - end[0][1] for end in ends], 0.06)
    arrows = [text for text in silicon.texts if getattr(text, "arrow_patch", None) is not None]
    assert len(arrows) == 4  # two doses without Si, of two samples
    assert oxygen.get_ylim()[0] == 0.0
    figure.draw_without_rendering()
    bottom = silicon.get_window_extent().y0
    assert all(arrow.arrow_patch.get_window_extent().y0 >= bottom for arrow in arrows)  # none is cut by the axis


def test_the_legend_stands_in_the_frame_that_is_left_over() -> None:
    table = norm_table()
    five = xr.concat([table, table, table.isel(element=[0])], "element").assign_coords(element=[*"OPCNF"])
    figure = ss.display.plot_dose({"as sintered": five, "polished": five})
    *frames, spare = figure.axes
    assert [ax.get_title(loc="left") for ax in frames] == [*"OPCNF"]
    assert not spare.axison
    assert [text.get_text() for text in spare.get_legend().get_texts()] == ["as sintered", "polished"]
    assert len(ss.display.plot_dose(five).axes) == 5


def test_dose_refuses() -> None:
    with pytest.raises(InputError, match="elements"):
        ss.display.plot_dose(norm_table(), elements=["Xx"])
    with pytest.raises(InputError, match="is over"):
        ss.display.plot_dose(norm_table().isel(dose=0))
    with pytest.raises(InputError, match="table"):
        ss.display.plot_dose({})
    with pytest.raises(InputError, match="errors"):
        ss.display.plot_dose(norm_table(), errors="sem")


def test_coverage_with_its_removal() -> None:
    table = coverage_table()
    figure = ss.display.plot_coverage(table)
    figure.draw_without_rendering()
    main = figure.axes[0]
    upper = main.child_axes[0]
    assert "at 0.2 atoms/ion (nm)" in upper.get_xlabel()
    low, high = main.get_xlim()
    np.testing.assert_allclose(upper.get_xlim(), (low / 6.4e15 * 0.172, high / 6.4e15 * 0.172), rtol=1e-6)
    curve = next(line for line in main.lines if str(line.get_label()).startswith("σ"))
    assert curve.get_label() == "σ = 2.50(8)×10⁻¹⁶ cm², 2 ML"
    x = 2.5e-16 * np.asarray(curve.get_xdata())
    np.testing.assert_allclose(curve.get_ydata(), 0.95 * np.exp(-x) * (1 + x))
    intervals = main.collections[0].get_segments()
    np.testing.assert_allclose([part[:, 0] for part in intervals], [[0, 1.6e15], [1.6e15, 3.2e15], [3.2e15, 4.8e15], [4.8e15, 6.4e15]])  # fmt: skip # noqa: E501


@pytest.mark.parametrize(("theta", "sigma", "full"), [(0.95, 2.5e-16, True), (0.99, 1.0e-16, False)])
def test_the_axis_of_coverage_is_that_of_the_data(theta: float, sigma: float, full: bool) -> None:
    table = coverage_table(theta, sigma, 2 if not full else 1)
    low, high = ss.display.plot_coverage(table).axes[0].get_ylim()
    values = np.append(table["coverage"].values, float(table["zero_dose_coverage"]))
    assert low < values.min() < values.max() < high
    if full:
        assert (low, high) == (0.0, 1.08)
    else:
        assert np.ptp(values) > 0.3 * (high - low)


def test_legend_and_report_write_one_number_alike() -> None:
    sigma = 0.97e-16
    table = coverage_table(0.95, sigma, 2)
    table["removal_cross_section_unc"] = ((), 0.4e-16, {"units": "cm2"})
    said = ss.display.value_text(sigma, 0.4e-16, "cm2")
    assert said == "1.0(4)×10⁻¹⁶ cm²"
    lines = ss.display.plot_coverage(table).axes[0].lines
    assert f"σ = {said}, 2 ML" in [line.get_label() for line in lines]


def test_band_of_coverage_against_a_monte_carlo() -> None:
    """Coverages drawn with their uncertainties and fitted again by least squares scatter by the width of the band."""
    table, rng = coverage_table(theta=0.9), np.random.default_rng(1)
    main = ss.display.plot_coverage(table).axes[0]
    filled = next(one for one in main.collections if isinstance(one, PolyCollection))
    points = filled.get_paths()[0].vertices
    end = np.array(DOSE[1])
    grid = np.linspace(np.r_[0.0, end[:-1]], end, 101)
    doses = np.linspace(0.0, 6.4e15, 200)[[0, 100, 199]]

    def means(p: np.ndarray) -> np.ndarray:
        return p[0] * gammaincc(2, p[1] * 1e-16 * grid).mean(axis=0)

    curves = []
    for _ in range(400):
        drawn = table.coverage.values + rng.normal(0, 0.01, 4)
        found = least_squares(lambda p, y=drawn: (means(p) - y) / 0.01, [0.9, 2.5]).x
        curves.append(found[0] * gammaincc(2, found[1] * 1e-16 * doses))
    for dose, scatter in zip(doses, np.std(curves, axis=0), strict=True):
        heights = points[np.abs(points[:, 0] - dose) < 1e12, 1]
        assert np.ptp(heights) == pytest.approx(2 * scatter, rel=0.12)


def test_band_of_all_layers_where_the_table_has_it() -> None:
    dose, curve = np.linspace(0.0, 6.4e15, 5), np.array([0.99, 0.9, 0.8, 0.7, 0.03])
    about = {"curve": ("curve_dose", curve, ONE), "curve_unc": ("curve_dose", np.full(5, 0.05), ONE)}
    table = coverage_table().assign(about).assign_coords(curve_dose=("curve_dose", dose, {"units": "ions/cm2"}))
    main = ss.display.plot_coverage(table).axes[0]
    filled = next(one for one in main.collections if isinstance(one, PolyCollection)).get_paths()[0].vertices
    for x, low, high in zip(dose, [0.94, 0.85, 0.75, 0.65, 0.0], [1.0, 0.95, 0.85, 0.75, 0.08], strict=True):
        at = filled[np.isclose(filled[:, 0], x, atol=1.0), 1]
        assert (at.min(), at.max()) == pytest.approx((low, high))
    assert not any(
        isinstance(one, PolyCollection) for one in ss.display.plot_coverage(table, band=False).axes[0].collections
    )


def test_coverage_of_several_samples_and_refusals() -> None:
    table = coverage_table()
    figure = ss.display.plot_coverage({"a": table, "b": coverage_table(0.7, 2.4e-16, 1)})
    assert {"a: σ = 2.50(8)×10⁻¹⁶ cm², 2 ML", "Simulated"} <= set(texts(figure))
    assert any(text.startswith("b: σ = 2.40(8)") for text in texts(figure))
    unknown = table.assign(zero_dose_coverage=((), np.nan, {"units": "1"}), monolayers=((), -1, {"units": "1"}))
    assert not any(str(line.get_label()).startswith("σ") for line in ss.display.plot_coverage(unknown).axes[0].lines)
    with pytest.raises(InputError, match="lacks"):
        ss.display.plot_coverage(table.drop_vars("monolayers"))
    with pytest.raises(InputError, match="is over"):
        ss.display.plot_coverage(table.isel(dose=0))


def profile_table() -> xr.Dataset:
    values = np.array([[0.9, 0.0], [0.6, 0.4], [0.5, 0.5], [0.5, 0.5], [0.5, 0.5], [0.5, 0.5]])
    table = xr.Dataset(
        {
            "normalised_area": (("cycle", "element"), values, ONE),
            "normalised_area_unc": (("cycle", "element"), np.full((6, 2), 0.02), ONE),
            "detected": (("cycle", "element"), (values > 0).astype(int), {"units": "1"}),
            "upper_limit": (("cycle", "element"), np.where(values > 0, np.nan, 0.06), ONE),
            "bulk": ("element", [0.5, 0.5], {"units": "1"}),
            "bulk_sd": ("element", [0.02, 0.01], {"units": "1"}),
            "constant_from": ((), 3.0, {"units": "cycle"}),
        },
        coords={"cycle": ("cycle", np.arange(1.0, 7.0), {"units": "cycle"}), "element": ["P", "Zr"]},
        attrs={"kind": "table", "technique": "LEIS", "simulated": "true", "sample": "pellet"},
    )
    ss.check(table)
    return table


def test_depth_profile_with_bulk_and_limits() -> None:
    ax = ss.display.plot_profile(profile_table()).axes[0]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Cycle", "Normalised area")
    assert ax.get_title(loc="left") == "pellet (simulated)"
    lines = [one.get_segments() for one in ax.collections if isinstance(one, LineCollection)]
    spans = [one[0] for one in lines if len(one) == 1 and one[0].shape == (2, 2)]
    assert sum(np.allclose(span, [[3.0, 0.5], [6.0, 0.5]]) for span in spans) == 2
    assert sum(getattr(text, "arrow_patch", None) is not None for text in ax.texts) == 1
    plain = ss.display.plot_profile(profile_table(), bulk=False, elements=["Zr"]).axes[0]
    assert not any(isinstance(one, PolyCollection) for one in plain.collections)
    assert ss.display.plot_profile(profile_table(), yscale="log").axes[0].get_yscale() == "log"
    with pytest.raises(InputError, match="is over"):
        ss.display.plot_profile(profile_table(), "bulk")
    with pytest.raises(InputError, match="yscale"):
        ss.display.plot_profile(profile_table(), yscale="sqrt")


def test_pictures_say_as_much_in_grey(bare: xr.Dataset, covered: xr.Dataset) -> None:
    """In shades of grey the filled peaks of two fits differ from the paper."""
    figure = ss.display.plot_ions({"surface": covered, "bulk": bare}, mass_axis=False)
    picture, main = grey(figure), figure.axes[0]
    shades = []
    for fit, place in ((covered, 1182.0), (bare, 2557.0)):
        level = float(np.interp(place - 5, ENERGY, 0.5 * (fit.background + fit.model).values))
        x, y = np.asarray(main.transData.transform((place - 5, level))) * 100 / figure.dpi
        column, row = int(x), picture.shape[0] - int(y)
        shades.append(float(np.median(picture[row - 6 : row + 7, column - 2 : column + 3])))
    assert all(0.3 < shade < 0.97 for shade in shades)  # filled, and the lines can be seen on it


def test_map_of_a_table() -> None:
    """Coverage and normalised areas of an area scan lie where they were measured; y runs upwards."""
    values = np.arange(12.0).reshape(4, 3) / 12
    table = xr.Dataset(
        {"coverage": (("x", "y"), values, {"units": "1", "long_name": "Coverage"}),
         "normalised_area": (("y", "x", "element"), np.stack([values.T, 1 - values.T], axis=-1), ONE)},
        coords={"x": ("x", np.arange(4.0), {"units": "mm"}), "y": ("y", np.arange(3.0), {"units": "mm"}),
                "element": ["P", "Zr"]},
        attrs={"kind": "table", "technique": "LEIS", "sample": "pellet", "simulated": "true"},
    )  # fmt: skip
    ax, bar = ss.display.plot_map(table, "coverage").axes
    np.testing.assert_array_equal(ax.collections[0].get_array().reshape(3, 4), values.T)
    assert (ax.get_xlabel(), ax.get_ylabel(), bar.get_ylabel()) == ("x (mm)", "y (mm)", "Coverage")
    assert "(simulated)" in ax.get_title(loc="left")
    of_zr = ss.display.plot_map(table, "normalised_area", component="Zr").axes[0]
    np.testing.assert_array_equal(of_zr.collections[0].get_array().reshape(3, 4), 1 - values.T)
    assert of_zr.get_title(loc="left").endswith("Zr")
    with pytest.raises(InputError, match="component"):
        ss.display.plot_map(table, "normalised_area", component="Xx")
    with pytest.raises(InputError, match="two"):
        ss.display.plot_map(table.isel(x=0), "coverage")


@pytest.mark.parametrize("name", ["plot_ions", "plot_dose", "plot_coverage", "plot_profile", "plot_joint",
                                  "plot_periodic", "plot_map"])  # fmt: skip
@pytest.mark.parametrize("wrong", [None, 3, "fit", np.zeros(3)], ids=["None", "number", "text", "array"])
def test_what_is_no_dataset_is_refused(name: str, wrong: object) -> None:
    with pytest.raises((InputError, ss.errors.SchemaError), match="Pass"):
        getattr(ss.display, name)(wrong)


def test_wrong_members_titles_axes_and_elements_are_refused(bare: xr.Dataset) -> None:
    table = norm_table()
    draw = {
        "ions": lambda **options: ss.display.plot_ions(bare, **options),
        "dose": lambda **options: ss.display.plot_dose(table, **options),
        "coverage": lambda **options: ss.display.plot_coverage(coverage_table(), **options),
        "profile": lambda **options: ss.display.plot_profile(profile_table(), **options),
        "periodic": lambda **options: ss.display.plot_periodic(ss.leis.visibility(["O", "Zr"]), **options),
        "any": lambda **options: ss.plot(bare, **options),
        "series": lambda **options: ss.display.plot_series(table, "normalised_area", along="dose", **options),
    }
    for picture in draw.values():
        with pytest.raises(InputError, match="title"):
            picture(title=float("nan"))
    for name in ("coverage", "profile", "periodic", "any", "series"):
        with pytest.raises(InputError, match="ax is a str"):
            draw[name](ax="abc")
    for name in ("dose", "profile"):
        for elements in ([], "O", [["O"]], 3):
            with pytest.raises(InputError, match="elements"):
                draw[name](elements=elements)
    for call in (ss.display.plot_ions, ss.display.plot_dose, ss.display.plot_coverage):
        with pytest.raises(InputError, match="'a' is a NoneType"):
            call({"a": None})


@pytest.mark.parametrize("samples", [1, 2, 4, 6])
def test_markers_stand_within_a_twentieth_of_the_spacing(samples: int) -> None:
    figure = ss.display.plot_dose({f"s{i}": norm_table() for i in range(samples)})
    drawn = [bar[0].get_xdata() for bar in figure.axes[0].containers if isinstance(bar, ErrorbarContainer)]
    assert len(drawn) == samples
    doses = np.asarray(DOSE[1])
    assert max(np.abs(x - doses).max() for x in drawn) < 0.05 * 1.6e15
    assert len({float(x[0]) for x in drawn}) == samples


def test_the_name_of_an_absent_element_does_not_run_into_the_next_peak() -> None:
    energy = np.arange(900.0, 2850.0, 5.0)
    counts = 400 + 900 * np.exp(-((energy - 1182) ** 2) / 800) + 900 * np.exp(-((energy - 1870) ** 2) / 800)
    about = {"technique": "LEIS", "ion": "4He", "ion_energy": 3000.0, "scattering_angle": 145.0}
    spectrum = ss.spectrum(energy, np.random.default_rng(2).poisson(counts), **about)  # type: ignore[arg-type]
    figure = ss.display.plot_fit(ss.leis.fit(spectrum, ss.leis.Recipe(elements=("O", "Si", "P"))))
    figure.draw_without_rendering()
    ax = figure.axes[0]
    names = {text.get_text(): text.get_window_extent() for text in ax.texts if text.get_text() in ("(Si)", "P")}
    assert set(names) == {"(Si)", "P"}
    assert not names["(Si)"].overlaps(names["P"])
    points = ax.transData.transform(np.column_stack([energy, spectrum["intensity"].values]))
    assert not any(names["(Si)"].contains(*point) for point in points)
