"""Lines of elements and the way back from a peak to mass and elements, against closed values and tables."""

from __future__ import annotations

import csv
import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surfspec import leis, schema
from surfspec.errors import GeometryError, InputError

SAMPLE = ("O", "Na", "Si", "P", "Zr")


def test_the_table_holds_both_roots_and_every_isotope() -> None:
    table = leis.line_table(["O", "Si"], ion="40Ar", energy=5000.0, angle=30.0)
    schema.check(table, "table")
    silicon = table.sel(element="Si").isel(isotope=0)
    assert int(silicon.mass_number) == 28
    assert float(silicon.energy) / 5000.0 == pytest.approx(0.63622, abs=1e-5)
    assert float(silicon.energy_low) / 5000.0 == pytest.approx(0.04891, abs=1e-5)
    assert float(silicon.cross_section_low) > 0
    # O scatters argon up to arcsin(16/40) = 23.6 deg
    assert np.isnan(table.energy.sel(element="O").values).all()
    assert float(table.allowed.sel(element="O")) == 0.0
    assert np.isnan(table.centroid.sel(element="O"))


def test_potassium_straddles_the_mass_of_argon() -> None:
    row = leis.line_table(["K"], ion="40Ar", energy=5000.0).isel(element=0)
    energies = dict(zip(row.mass_number.values.tolist(), row.energy.values.tolist(), strict=True))
    assert np.isnan(energies[39])
    assert energies[41] == pytest.approx(1.12, abs=0.01)
    assert float(row.allowed) == pytest.approx(0.0674, abs=1e-4)


def test_a_neon_beam_never_makes_an_oxygen_ghost() -> None:
    table = leis.line_table(SAMPLE, ion="20Ne", energy=5000.0)
    assert np.isnan(table.centroid.sel(element="O"))
    assert float(table.centroid.sel(element="Na")) == pytest.approx(34.1, abs=0.01)


def test_weights_are_abundance_times_cross_section() -> None:
    table = leis.line_table(["Li", "Zr"], energy=1000.0, angle=135.0)
    assert table.weight.sum("isotope").values == pytest.approx([1.0, 1.0])
    product = table.abundance * table.cross_section
    assert np.nan_to_num((product / product.sum("isotope")).values) == pytest.approx(np.nan_to_num(table.weight.values))
    # 6Li is the weaker scatterer near the mass of helium, so that the intensity leans to 7Li more than the abundance
    lithium = table.sel(element="Li")
    assert float(lithium.weighted_centroid) > float(lithium.centroid)


def test_losses_by_element_and_their_refusal() -> None:
    plain, lossy = leis.line_table(SAMPLE), leis.line_table(SAMPLE, loss={"Zr": 20.0})
    shift = (lossy.centroid - plain.centroid).values
    assert shift == pytest.approx([0.0, 0.0, 0.0, 0.0, -18.5], abs=0.05)
    assert lossy.attrs["inelastic_loss"] == "Zr 20 eV"
    with pytest.raises(InputError, match="not among"):
        leis.line_table(["O"], loss={"Zr": 20.0})
    with pytest.raises(InputError, match="loss"):
        leis.line_table(["O"], loss=-1.0)
    with pytest.raises(GeometryError):
        leis.line_table(["O"], angle=190.0)
    with pytest.raises(InputError, match="is the text"):
        leis.line_table("Zr")
    with pytest.raises(InputError, match="no elements"):
        leis.line_table([])


def test_a_loss_that_forbids_leaves_nan() -> None:
    table = leis.line_table(["O"], loss=2700.0)
    assert np.isnan(table.energy.values).all()
    assert np.isnan(table.weight.values).all()


@pytest.mark.data
def test_every_isotope_of_all_elements(data_dir: Path) -> None:
    path = data_dir.parent / "physics" / "leis_expected" / "isotope_energies.csv"
    if not path.is_file():
        pytest.skip(f"no table of expected energies at {path}")
    with path.open() as lines:
        rows = list(csv.DictReader(lines))
    for setting in {(row["projectile"], float(row["E0"]), float(row["theta"])) for row in rows}:
        ours = [row for row in rows if (row["projectile"], float(row["E0"]), float(row["theta"])) == setting]
        names = list(dict.fromkeys(row["element"] for row in ours))
        table = leis.line_table(names, ion=setting[0], energy=setting[1], angle=setting[2])
        for row in ours:
            one = table.sel(element=row["element"])
            place = int(np.flatnonzero(one.mass_number.values == int(row["A"]))[0])
            assert float(one.mass[place]) == pytest.approx(float(row["mass_u"]), abs=1e-6)
            expected = float(row["E1_eV"]) if row["E1_eV"] else np.nan
            assert float(one.energy[place]) == pytest.approx(expected, abs=0.01, nan_ok=True), row


@pytest.mark.parametrize("target", ["16O", "Na", "Al", "Si", "P", "Zr", "Au"])
def test_an_elastic_peak_finds_its_element(target: str) -> None:
    element, peak = target.lstrip("0123456789"), leis.elastic_energy(target)
    found = leis.candidates([peak], resolution=0.02, energy_unc=0.2, loss=(0.0, 0.0)).isel(peak=0)
    schema.check(found, "table")
    assert str(found.candidate.values[0]) == element
    assert abs(float(found.deviation[0])) < 1e-9
    assert float(found.elastic_energy[0]) == pytest.approx(peak)


@settings(max_examples=25, deadline=None)
@given(
    element=st.sampled_from(SAMPLE), loss=st.floats(0.0, 25.0), shift=st.floats(-2.0, 2.0), angle=st.floats(90.0, 170.0)
)
def test_a_peak_pulled_down_by_a_loss_keeps_its_element(element: str, loss: float, shift: float, angle: float) -> None:
    peak = leis.elastic_energy(element, loss=loss, angle=angle) + shift
    found = leis.candidates([peak], angle=angle, elements=SAMPLE, energy_unc=1.0).isel(peak=0)
    assert element in found.candidate.values.tolist()
    rank = found.candidate.values.tolist().index(element)
    # 18O is resolved: the peak that is looked for is that of 16O; so is 28Si at large angles
    number = int(found.mass_number[rank])
    line = leis.elastic_energy(element if number < 0 else f"{number}{element}", angle=angle)
    assert float(found.distance[rank]) == pytest.approx(peak - line, abs=1e-6)
    fwhm = 0.02 * peak
    assert float(found.distance_fwhm[rank]) == pytest.approx(float(found.distance[rank]) / fwhm)


def test_mass_and_its_uncertainty_by_simulation() -> None:
    rng = np.random.default_rng(5)
    peaks = 1769.0 + rng.normal(0.0, 3.0, 4000)
    losses = rng.uniform(0.0, 25.0, 4000)
    masses = [float(leis.target_mass(peak, loss=loss)) for peak, loss in zip(peaks, losses, strict=True)]
    found = leis.candidates([1769.0], energy_unc=3.0, loss=(0.0, 25.0)).isel(peak=0)
    assert float(found.mass) == pytest.approx(np.mean(masses), abs=0.02)
    assert float(found.mass_unc) == pytest.approx(np.std(masses), rel=0.05)
    assert float(found.elastic_mass) == pytest.approx(float(leis.target_mass(1769.0)))


def test_neighbours_within_one_resolution_are_called_ambiguous() -> None:
    found = leis.candidates([1765.0], elements=["Na", "Al", "Si", "P", "Zr"], resolution=0.03).isel(peak=0)
    assert str(found.statement.values) == "ambiguous within one resolution: Si, Al"
    assert int(found.possible) == 2
    sharp = leis.candidates([1765.0], elements=["Na", "Al", "Si", "P", "Zr"], resolution=0.005).isel(peak=0)
    assert str(sharp.statement.values) == "Si"


def test_impossible_positions_are_named() -> None:
    found = leis.candidates([3001.0, 3000.0, 2950.0, 2900.0, 100.0, 2300.0], elements=SAMPLE, resolution=0.01)
    says = found.statement.values.tolist()
    assert says[0] == says[1] == "impossible: at or above the ion energy"
    assert says[2].startswith("impossible: above Zr (2557 eV)")
    assert says[4].startswith("impossible: below O (1182 eV)")
    assert says[5] == "no element within half a resolution"
    assert found.possible.values.tolist() == [0] * 6
    assert np.isnan(found.mass.values[:2]).all()
    assert np.all(found.candidate.values == "")


def test_in_depth_zirconium_is_no_surface_peak_of_zirconium() -> None:
    # 57 eV below the elastic energy, more than losses in the collision and the resolution can explain
    found = leis.candidates([2500.0], elements=SAMPLE, resolution=0.02).isel(peak=0)
    assert str(found.statement.values) == "no element within half a resolution"


def test_resolved_isotopes_are_peaks_of_their_own() -> None:
    boron = leis.elastic_energy("10B")
    found = leis.candidates([boron], elements=["B"], resolution=0.03, loss=(0.0, 0.0)).isel(peak=0)
    assert int(found.mass_number[0]) == 10
    assert float(found.distance[0]) == pytest.approx(0.0, abs=1e-9)


def test_no_element_scatters_back_a_heavy_ion() -> None:
    found = leis.candidates([300.0], ion="40Ar", energy=5000.0, elements=["O", "Na"])
    assert "none of the elements scatters" in str(found.statement.values[0])


def test_the_script_of_the_paper_says_where_the_peaks_are() -> None:
    path = Path(__file__).resolve().parent.parent.parent / "docs" / "examples" / "leis_i1.py"
    spec = importlib.util.spec_from_file_location("leis_i1", path)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    numbers, figure = script.analyse()
    # from the conservation laws, computed elsewhere
    for element, position in {"O": 1182.13, "Na": 1581.31, "Si": 1779.39, "P": 1869.51, "Zr": 2557.01}.items():
        assert numbers[element][0] == pytest.approx(position, abs=0.01)
    assert numbers["Zr below elastic"][0] == pytest.approx(57.0, abs=0.1)
    assert numbers["Zr re-ionisation"][0] == pytest.approx(18.5, abs=0.1)
    assert numbers["candidates at 2500 eV"][0] == 0
    assert len(figure.axes) == 2


@pytest.mark.parametrize(
    "bad",
    [
        {"energies": []}, {"energies": [-1.0]}, {"energies": ["x"]}, {"energies": [np.nan]}, {"energy_unc": 0.0},
        {"energy_unc": [1.0, 2.0]}, {"resolution": 0.0}, {"loss": (5.0, 1.0)}, {"loss": 3.0}, {"count": 0},
        {"elements": ["Xx"]}, {"ion": "He"}, {"energies": "1180"}, {"energies": ["1180"]}, {"energies": True},
        {"ion": "5He"},
    ],
)  # fmt: skip
def test_bad_input_is_refused(bad: dict[str, object]) -> None:
    arguments: dict[str, object] = {"energies": [1500.0], **bad}
    peaks = arguments.pop("energies")
    with pytest.raises(InputError):
        leis.candidates(peaks, **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "call",
    [
        lambda: leis.Recipe(elements=("O",), energy=3),
        lambda: leis.line_table(["O"], energy=3),
        lambda: leis.visibility(["O"], energy=3.0),
        lambda: leis.candidates([1.1], energy=3.0),
        lambda: leis.forecast(["O", "Si"], counts=1000, fwhm=40, energy=3.0),
        lambda: leis.better_projectile(("Al", "Si"), projectiles=[("4He", 3.0)]),
    ],
)
def test_an_energy_in_kev_is_asked_about(call: Callable[[], object]) -> None:
    with pytest.raises(GeometryError, match=r"keV\? Give eV: 3000"):
        call()


def test_a_text_of_elements_is_taken_apart_in_the_remedy() -> None:
    for text in ("O Zr", "O, Zr", "O;Zr", "OZr"):
        with pytest.raises(InputError, match=r"\('O', 'Zr'\)"):
            leis.Recipe(elements=text)  # type: ignore[arg-type]
        with pytest.raises(InputError, match=r"\['O', 'Zr'\]"):
            leis.forecast(text, counts=1000, fwhm=40)
