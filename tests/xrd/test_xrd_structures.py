"""Phases that cannot be, CIF reading and radiation."""

from __future__ import annotations

import dataclasses
import math
import pickle

import numpy as np
import pytest

from surfspec import errors, recipes, xrd
from surfspec.xrd.structures.phase import Site, orbits


def lead(**changes):
    return dataclasses.replace(xrd.phases(["Pb_fcc"])[0], **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cell": (4.95, 4.95, 5.1, 90, 90, 90)}, "is not cubic"),
        ({"cell": (math.nan, 4.95, 4.95, 90, 90, 90)}, "impossible cell"),
        ({"cell": (4.95, 4.95, 4.95, 90, 90, 200)}, "impossible cell"),
        ({"space_group": "F q -3 m"}, "unknown space group"),
        ({"sites": ()}, "no sites"),
        ({"sites": (Site("Pb", {"Pb": 1.2}, (0.0, 0.0, 0.0)),)}, "occupancies"),
        ({"sites": (Site("Pb", {"Pb": 0.8, "Na": 0.5}, (0.0, 0.0, 0.0)),)}, "occupancies"),
        ({"sites": (Site("Q", {"Q": 1.0}, (0.0, 0.0, 0.0)),)}, "unknown element"),
        ({"sites": (Site("Pb", {"Pb": 1.0}, (0.0, 0.0, 0.0)), Site("Na", {"Na": 1.0}, (0.05, 0.0, 0.0)))}, "apart"),
        ({"verified": True, "trust": "C"}, "cannot be verified"),
        ({"sites": (Site("Pb", {"Pb": 1.0}, (0.0, 0.0, 0.0), 80.0),)}, "not within 0 and 25"),
        ({"sites": ("Pb",)}, "a site is no Site"),
        ({"sites": "Pb"}, "sites is 'Pb'"),
        ({"cell": (4.95, 4.95, 4.95)}, "holds 3 numbers"),
        ({"cell": ("4.95", 4.95, 4.95, 90, 90, 90)}, "impossible cell"),
        ({"cell_uncertainty": -1.0}, "cell_uncertainty is -1.0"),
        ({"cell_uncertainty": 5}, "cell_uncertainty is 5"),
        ({"cell_uncertainty": math.nan}, "cell_uncertainty is nan"),
        ({"temperature": -5.0}, "temperature is -5.0"),
        ({"temperature": "300 K"}, "temperature is '300 K'"),
        ({"trust": "Z", "verified": False}, "trust is 'Z'"),
        ({"trust": ["A"]}, "trust is"),
        ({"cell": (10**30, 4.95, 4.95, 90, 90, 90)}, "impossible cell"),
        ({"formula": "Zz9("}, "no chemical formula"),
        ({"formula": "Zz"}, "no chemical formula"),
        ({"formula": "Pb1.2.3"}, "no chemical formula"),
        ({"formula": 7}, "formula is 7"),
        ({"id": ""}, "has no id"),
        ({"id": 5}, "id is 5"),
        ({"verified": "yes"}, "verified is 'yes'"),
    ],
)
def test_impossible_phases_are_refused(changes, message):
    with pytest.raises(errors.InputError, match=message):
        lead(**changes)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (("Pb", {"Pb": 1.0}, (math.nan, 0.0, 0.0)), "xyz is nan"),
        (("Pb", {"Pb": 1.0}, (0.0, 0.0)), "holds 2 numbers"),
        (("Pb", {"Pb": math.nan}, (0.0, 0.0, 0.0)), "share of Pb is nan"),
        (("Pb", ["Pb"], (0.0, 0.0, 0.0)), "species is"),
        (("Pb", {"Pb": 1.0}, (0.0, 0.0, 0.0), "0.6"), "b_iso is '0.6'"),
        ((3, {"Pb": 1.0}, (0.0, 0.0, 0.0)), "label of a site is 3"),
    ],
)
def test_faulty_sites_are_refused(fields, message):
    with pytest.raises(errors.InputError, match=message):
        Site(*fields)


def test_formulas_with_brackets_and_unknown_ones():
    assert [phase.id for phase in xrd.phases(["Ca(OH)2"])] == [phase.id for phase in xrd.phases(["CaO2H2"])]
    assert lead(formula="").formula == ""
    assert lead(formula="Pb(OH)2", cell=[4.95, 4.95, 4.95, 90, 90, 90]).density == pytest.approx(11.34, abs=0.02)


def test_a_shared_position_may_hold_two_elements():
    mixed = lead(sites=(Site("M", {"Pb": 0.6, "Na": 0.4}, (0.0, 0.0, 0.0)),))
    assert mixed.elements == {"Pb", "Na"}
    assert len(orbits(mixed)[0]) == 4


def test_phase_survives_pickle_and_hash():
    phase = xrd.phases(["NZSP_C2c"])[0]
    again = pickle.loads(pickle.dumps(phase))  # noqa: S301
    assert again == phase
    assert hash(again) == hash(phase)


def test_faulty_card_is_reported_with_its_place(tmp_path):
    card = tmp_path / "bad.yaml"
    card.write_text("id: bad\nname: x\nformula: Pb\nspace_grup: F m -3 m\n", encoding="utf-8")
    with pytest.raises(errors.RecipeError, match=r"bad.yaml:4:1: unknown key 'space_grup'. Did you mean 'space_group'"):
        recipes.load_file(card, xrd.Phase)


CIF = """data_test
_cell_length_a 5.6402
_cell_length_b 5.6402
_cell_length_c {c}
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_space_group_name_H-M_alt '{group}'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Na1 {element} 0 0 0 {occupancy}
Cl1 Cl- {x} 0.5 0.5 1
"""
GOOD = {"c": "5.6402", "group": "F m -3 m", "element": "Na1+", "occupancy": "1", "x": "0.5"}


def write(tmp_path, **changes):
    path = tmp_path / "salt.cif"
    path.write_text(CIF.format(**{**GOOD, **changes}), encoding="utf-8")
    return path


def test_cif_is_read(tmp_path):
    phase = xrd.read_cif(write(tmp_path))
    assert phase.formula == "NaCl"
    assert phase.trust == "B"
    assert not phase.verified
    assert phase.density == pytest.approx(2.163, abs=2e-3)
    assert "assumed" in phase.note


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"occupancy": "1.4"}, "occupancy 1.4"),
        ({"occupancy": "?"}, r"occupancy of Na1 is '\?', unknown"),
        ({"x": "0.5 0.5 0.5 1\nCl2 Cl- 0.5"}, "Cl2 lies where Cl1 lies, and together they fill the position 2 times"),
        ({"occupancy": "-0.2"}, "occupancy -0.2"),
        ({"element": "Qq"}, "unknown element"),
        ({"c": "?"}, "cell is incomplete"),
        ({"c": "6.1"}, "symmetry"),
        ({"group": "F silly"}, "space group"),
        ({"x": "0.03"}, "apart|sites"),
        ({"x": "abc"}, "not a number|coordinates|no readable"),
    ],
)
def test_impossible_cifs_are_refused_with_the_file(tmp_path, changes, message):
    path = write(tmp_path, **changes)
    with pytest.raises((errors.InputError, errors.FormatError), match=message) as caught:
        xrd.read_cif(path)
    assert "salt.cif" in str(caught.value)


def test_shared_positions_of_a_cif_may_be_full_but_for_rounding(tmp_path):
    third = "0.5 0.5 0.5 0.3333\nCl2 Cl- 0.5 0.5 0.5 0.3333\nCl3 Cl- 0.5 0.5 0.5 0.3339\nCl4 Cl- 0.25"
    text = CIF.format(**{**GOOD, "x": third}).replace("Cl4 Cl- 0.25 0.5 0.5 1\n", "")
    path = tmp_path / "salt.cif"
    path.write_text(text, encoding="utf-8")
    (chlorine,) = [site for site in xrd.read_cif(path).sites if "Cl" in site.species]
    assert chlorine.species == {"Cl": 1.0}
    path.write_text(CIF.format(**{**GOOD, "occupancy": "."}), encoding="utf-8")
    assert xrd.read_cif(path).sites[0].species == {"Na": 1.0}


def test_cif_without_space_group_or_atoms(tmp_path):
    path = tmp_path / "salt.cif"
    text = CIF.format(**GOOD)
    path.write_text(text.replace("_space_group_name_H-M_alt 'F m -3 m'\n", ""), encoding="utf-8")
    with pytest.raises(errors.InputError, match="space group is missing"):
        xrd.read_cif(path)
    path.write_text("data_x\n_cell_length_a 3\n", encoding="utf-8")
    with pytest.raises(errors.FormatError, match="no atoms"):
        xrd.read_cif(path)
    path.write_text("this is no cif at all\n", encoding="utf-8")
    with pytest.raises(errors.FormatError):
        xrd.read_cif(path)


def test_wavelengths_by_name_and_number():
    assert xrd.radiation("CuKa1").wavelengths == (1.5405929,)  # Hoelzer et al. (1997)
    both = xrd.radiation("Cu K-alpha")
    assert both.wavelengths == (1.5405929, 1.5444274)
    assert sum(both.weights) == pytest.approx(1.0)
    assert both.weights[1] / both.weights[0] == pytest.approx(0.5)
    assert xrd.radiation(1.5418).name == "CuKa"
    assert xrd.radiation(1.7902).name == "CoKa"
    assert xrd.radiation("0.7").wavelengths == (0.7,)
    for bad in (None, "", "XxKa", 12.0, "nonsense"):
        with pytest.raises(errors.InputError, match="wavelength"):
            xrd.radiation(bad)


def test_energy_of_cu_ka1():
    # Hoelzer et al. (1997), 8047.8227 eV
    assert xrd.radiation("CuKa1").energy == pytest.approx(8047.823, abs=0.01)


def test_mean_wavelength_is_that_of_international_tables():
    # International Tables C, 4.2.2: 1.54187 angstrom for Cu Ka mean
    light = xrd.radiation("CuKa")
    assert np.dot(light.wavelengths, light.weights) == pytest.approx(1.54187, abs=5e-5)
