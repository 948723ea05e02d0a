"""Patterns as they come: ghosts of other wavelengths, humps, shifts, spikes, coarse steps, wrong anode; simulated."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import surfspec as ss
from surfspec import errors, xrd
from surfspec.xrd import Phase, Site
from surfspec.xrd.patterns.profile import Caglioti

CARDS = {phase.id: phase for phase in xrd.phases()}
X = np.arange(18.0, 72.0, 0.035)
SHAPE = Caglioti(0.006, -0.004, 0.012, 0.5)
PAIR = {"corundum": 60, "ZnO": 40}
ELEMENTS = ("Al", "Zn", "O")


def curve(mixture, *, x=X, wavelength="CuKa", top=6000.0, level=150.0, **more):
    """Return the expected intensity of a mixture (card id -> weight)."""
    y = np.zeros_like(x)
    for name, weight in mixture.items():
        scale = weight / CARDS[name].density
        made = xrd.pattern(CARDS[name], wavelength=wavelength, two_theta=x, profile=SHAPE, scale=scale, **more)
        y += made.intensity.values
    return y * top / y.max() + level * (1 + 40.0 / x)


def counted(y, *, seed=0, x=X):
    """Poisson counts."""
    return ss.spectrum(x, np.random.default_rng(seed).poisson(y), technique="XRD", simulated="true")


def names(found):
    """Ids of the named phases."""
    return set(found.phase.values.tolist())


def test_k_beta_and_tungsten_lines_are_no_phases():
    made = counted(curve(PAIR, top=30000.0, k_beta=0.03, tungsten=0.02))
    found = xrd.match(made, wavelength="CuKa")
    assert names(found) == set(PAIR)
    assert float(found.unknown_probability) < 0.5
    assert "unknown phase" not in str(found.reasons.values)


@pytest.mark.parametrize(
    "kind", ["hump", "zero", "coarse", "spikes", "negative", "saturated", "narrow range", "noise", "fluorescence"]
)
def test_the_answer_survives(kind):
    x, more, level = X, {}, 150.0
    if kind == "zero":
        more = {"zero": 0.25}
    if kind == "coarse":
        x = X[::3]
    if kind == "narrow range":
        x = X[(X > 33.0) & (X < 38.5)]
    if kind == "fluorescence":
        level = 12000.0
    y = curve(PAIR, x=x, level=level, **more)
    if kind == "hump":
        y = y + 900.0 * np.exp(-(((x - 24.0) / 5.0) ** 2))
    made = counted(y if kind != "noise" else y / 12.0, x=x)
    counts = made.intensity.values.astype(float)
    if kind == "spikes":
        counts[[200, 700, 1100]] += 4000.0
    if kind == "negative":
        counts = counts - 400.0
    if kind == "saturated":
        counts = np.minimum(counts, 0.6 * counts.max())
    if kind in ("spikes", "negative", "saturated"):
        made = ss.spectrum(x, counts, technique="XRD", units="arb. units", simulated="true")
    found = xrd.match(made, wavelength="CuKa", elements=ELEMENTS)
    assert names(found) == set(PAIR)


def test_a_constant_and_a_short_pattern_are_refused():
    with pytest.raises(errors.InputError, match="constant"):
        xrd.match(ss.spectrum(X, np.full(X.size, 3.0), technique="XRD"), wavelength="CuKa")
    with pytest.raises(errors.InputError, match="too few"):
        xrd.match(counted(curve(PAIR)).isel(two_theta=slice(0, 40)), wavelength="CuKa")


def test_the_wrong_radiation_is_suspected():
    iron = counted(curve({"hematite": 70, "magnetite": 30}, wavelength="CoKa", level=4000.0))
    wrong = xrd.match(iron, wavelength="CuKa", elements=("Fe", "O"))
    assert str(wrong.verdict.values) != "ok"
    assert "ambiguous: the wavelength? hematite explains the lines with CoKa" in str(wrong.reasons.values)
    right = xrd.match(iron, wavelength="CoKa", elements=("Fe", "O"))
    assert names(right) == {"hematite", "magnetite"}
    assert "the wavelength?" not in str(right.reasons.values)
    # a phase without a card is no question of the wavelength
    unlisted = xrd.match(counted(curve({"rutile": 100})), wavelength="CuKa", elements=("Al", "O"))
    assert unlisted.sizes["phase"] == 0
    assert "the wavelength?" not in str(unlisted.reasons.values)


def _lead_with_gap(gap, name):
    x = np.arange(20.0, 70.0, 0.02)
    line = xrd.pattern(xrd.phases([name])[0], wavelength="CuKa", two_theta=x).intensity.values
    counts = np.random.default_rng(1).poisson(100 + 3000 * line / line.max())
    kept = (x < gap[0]) | (x > gap[1])
    return ss.spectrum(x[kept], counts[kept], technique="XRD")


@pytest.mark.parametrize(
    ("name", "elements", "gap"),
    [
        ("Pb_fcc", ["Na", "Pb"], (30.5, 32.0)),
        ("Pb_fcc", ["Na", "Pb"], (35.0, 37.0)),
        ("NZSP_C2c", ["Na", "Zr", "Si", "P", "O"], (30.0, 31.5)),
    ],
)
def test_what_was_not_measured_says_nothing(name: str, elements: list[str], gap: tuple[float, float]) -> None:
    """A gap over a main line: the phase is found from the rest, its lines in the gap neither missing nor seen."""
    found = xrd.match(_lead_with_gap(gap, name), elements=elements, wavelength="CuKa")
    assert found.phase.values.tolist() == [name]
    assert float(found.probability[0]) > 0.95
    inside = (found.reflection_two_theta > gap[0] + 0.2) & (found.reflection_two_theta < gap[1] - 0.2)
    assert inside.any()
    assert set(found.status.values[inside]) == {"not measured"}
    assert np.all(np.isnan(found.observed_ratio.values[inside]))
    outside = (found.reflection_two_theta < gap[0] - 0.3) | (found.reflection_two_theta > gap[1] + 0.3)
    assert "not measured" not in set(found.status.values[outside])


def test_joined_scans_of_two_steps_are_one_pattern():
    """Twice the step from 45 deg on: the same cell, and an amount that is a little less well known."""
    even, uneven = np.arange(20.0, 70.0, 0.02), np.r_[np.arange(20.0, 45.0, 0.02), np.arange(45.0, 70.0, 0.04)]
    quality = []
    for x in (even, uneven):
        line = xrd.pattern(xrd.phases(["Pb_fcc"])[0], wavelength="CuKa", two_theta=x).intensity.values
        counts = np.random.default_rng(2).poisson(100 + 3000 * line / line.max())
        found = xrd.match(ss.spectrum(x, counts, technique="XRD"), elements=["Na", "Pb"], wavelength="CuKa")
        assert found.phase.values.tolist() == ["Pb_fcc"]
        assert abs(float(found.strain[0])) < 3e-4
        assert "not measured" not in set(found.status.values)
        quality.append(float(found.scale_unc[0] / found.scale[0]))
    assert 0.97 < quality[1] / quality[0] < 1.4


@pytest.mark.parametrize(
    "wrong",
    [
        {"cell_prior": np.nan}, {"cell_prior": np.inf}, {"cell_prior": -1.0}, {"cell_prior": 0.0},
        {"shift_range": np.nan}, {"shift_range": -1}, {"monochromator": np.nan}, {"monochromator": 1e300},
        {"monochromator": -1}, {"cell_range": np.nan}, {"cell_range": np.inf}, {"cell_range": -1},
        {"ka2_ratio": "a"}, {"max_phases": 2.5}, {"max_phases": True}, {"max_phases": 13}, {"texture": None},
        {"wavelength": None}, {"wavelength": np.nan}, {"wavelength": []}, {"two_theta": "ab"}, {"two_theta": (30, 20)},
        {"two_theta": (20, np.nan)}, {"elements": 5}, {"must": [1]}, {"must": ["halite", "corundum"], "max_phases": 1},
    ],
)  # fmt: skip
def test_recipes_refuse_what_is_no_value_of_a_field(wrong: dict) -> None:
    """Each field is looked at when the recipe is made, and the refusal says what to do."""
    with pytest.raises(errors.InputError) as caught:
        xrd.Recipe(**wrong)
    assert caught.value.remedy


@pytest.mark.parametrize("wrong", [{"recipe": []}, {"recipe": "x"}, {"phases": []}, {"phases": 5}, {"phases": [3]}])
def test_a_match_refuses_other_types(wrong: dict) -> None:
    """No option of a wrong type is taken for the default."""
    with pytest.raises(errors.InputError):
        xrd.match(_lead_with_gap((30.5, 32.0), "Pb_fcc"), wavelength="CuKa", **wrong)


def _strained(name, strain):
    card = CARDS[name]
    return replace(card, cell=(*(edge * (1 + strain) for edge in card.cell[:3]), *card.cell[3:]))


def test_a_cell_far_from_its_card_is_a_hint_and_no_named_phase():
    """MgO with a cell 1 % larger beside corundum: corundum is named, MgO is told with its cell."""
    parts = [xrd.pattern(one, wavelength="CuKa", two_theta=X, profile=SHAPE).intensity.values
             for one in (CARDS["corundum"], _strained("MgO", 0.01))]  # fmt: skip
    y = sum(one / one.max() for one in parts) * 4000 + 200
    found = xrd.match(counted(y), elements=["Al", "Mg", "O"], wavelength="CuKa")
    assert found.phase.values.tolist() == ["corundum"]
    assert "MgO with a cell 1.0 % larger" in found.reasons.item()


def test_two_listed_phases_on_one_lattice_are_not_sure():
    """A lattice of another phase (zinc blende, 5.41 A) drawn as Si and CeO2: neither is sure by the model."""
    blende = Phase(
        id="blende", name="Zinc blende", formula="ZnS", space_group="F -4 3 m", cell=(5.41, 5.41, 5.41, 90, 90, 90),
        sites=(Site("Zn1", {"Zn": 1.0}, (0, 0, 0), 0.6), Site("S1", {"S": 1.0}, (0.25, 0.25, 0.25), 0.6)),
        source="test", trust="D",
    )  # fmt: skip
    y = xrd.pattern(blende, wavelength="CuKa", two_theta=X, profile=SHAPE).intensity.values
    y = y / y.max() * 5000 + 200
    found = xrd.match(counted(y), phases=["Si", "CeO2", "Na2O", "BaO", "Cu2O"], wavelength="CuKa")
    assert (found.model_probability < 0.95).all()


def test_a_doublet_read_as_one_line_is_told():
    """K-alpha1 said of a tube with both lines: the reason names the doublet; said rightly, nothing is told."""
    hints = []
    for made in ("CuKa", "CuKa1"):
        found = xrd.match(counted(curve(PAIR, wavelength=made)), elements=ELEMENTS, wavelength="CuKa1")
        assert set(found.phase.values) == set(PAIR)
        assert not found.origin.str.startswith("K-beta").any()
        hints.append("K-alpha2 lines are there" in found.reasons.item())
    assert hints == [True, False]


def test_indices_are_written_as_people_do():
    """Cubic lines with the largest index first and no minus sign where one is not needed."""
    found = xrd.match(counted(curve({"halite": 1})), elements=["Na", "Cl"], wavelength="CuKa")
    indices = np.stack([found[name].values for name in "hkl"], axis=1)
    assert [2, 0, 0] in indices.tolist()
    assert np.all(np.diff(indices, axis=1) <= 0)
    assert np.all(indices >= 0)
