"""Folders of structures, and which phases are alike."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from surfspec import errors, reference, xrd

CARDS = Path(str(reference.path("phases")))
SALT = """data_salt
_cell_length_a 5.6402(2)
_cell_length_b 5.6402(2)
_cell_length_c 5.6402(2)
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_space_group_name_H-M_alt 'F m -3 m'
loop_
_atom_site_label
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
Na1 0 0 0
Cl1 0.5 0.5 0.5
"""


@pytest.fixture
def folder(tmp_path):
    shutil.copy(CARDS / "Pb_fcc.yaml", tmp_path)
    (tmp_path / "salt.CIF").write_text(SALT, encoding="utf-8")
    (tmp_path / "README.md").write_text("no structure", encoding="utf-8")
    return tmp_path


def test_cards_and_structure_files_mixed(folder):
    found = xrd.read_folder(folder)
    assert [phase.id for phase in found] == ["Pb_fcc", "salt"]
    assert [phase.id for phase in xrd.phases(folder=folder, elements=["Na", "Cl"])] == ["salt"]
    assert [phase.id for phase in xrd.phases(folder=folder, never=["Pb"])] == ["salt"]
    assert xrd.read_folder(folder)[1] is found[1]


def test_all_faults_at_once_or_left_out(folder):
    (folder / "bad.cif").write_text(SALT.replace("5.6402(2)", "?", 1), encoding="utf-8")
    (folder / "worse.yaml").write_text("id: worse\nformla: Pb\n", encoding="utf-8")
    (folder / "pair.cif").write_text(SALT + SALT.replace("data_salt", "data_odd").replace("Cl1 0.5", "Cl1 0.02"))
    with pytest.raises(errors.FormatError, match="3 of 6 structures cannot be used") as caught:
        xrd.read_folder(folder)
    message = str(caught.value)
    assert "bad.cif: the cell is incomplete (_cell_length_a)" in message
    assert "worse.yaml:2:1: unknown key 'formla'" in message
    assert "block odd" in message
    with pytest.warns(UserWarning, match="left out") as caught_warnings:
        found = xrd.read_folder(folder, faulty="skip")
    assert len(caught_warnings) == 3
    assert [phase.id for phase in found] == ["Pb_fcc", "pair_salt", "salt"]
    with pytest.raises(errors.InputError, match="faulty is 'perhaps'"):
        xrd.read_folder(folder, faulty="perhaps")


def test_folders_that_hold_nothing(tmp_path):
    with pytest.raises(errors.FormatError, match="no such folder"):
        xrd.read_folder(tmp_path / "nowhere")
    with pytest.raises(errors.FormatError, match="holds no structure"):
        xrd.read_folder(tmp_path)


def test_two_files_of_one_id(folder):
    (folder / "Pb_fcc.cif").write_text(SALT, encoding="utf-8")
    with pytest.raises(errors.InputError, match=r"Pb_fcc.cif and Pb_fcc.yaml both give the phase 'Pb_fcc'"):
        xrd.read_folder(folder)


def test_a_card_must_bear_the_name_of_its_file(tmp_path):
    shutil.copy(CARDS / "Pb_fcc.yaml", tmp_path / "lead.yaml")
    with pytest.raises(errors.FormatError, match="the card says id 'Pb_fcc'"):
        xrd.read_folder(tmp_path)


def test_isotypes_and_polymorphs_of_the_library():
    groups = [set(group) for group in xrd.isotypes(xrd.phases())]

    def together(*names):
        return any(set(names) <= group for group in groups)

    assert together("halite", "MgO", "NaH")
    assert together("corundum", "hematite", "Cr2O3", "V2O3")
    assert together("rutile", "SnO2", "MnF2", "PbO2_beta")
    assert together("calcite", "magnesite", "NaNO3")
    assert together("aragonite", "PbCO3")  # P m c n and P m c n
    assert together("Na15Pb4", "Na15Sn4")
    assert together("Na3V2P3O12", "Na3Cr2P3O12")
    assert together("magnetite", "Co3O4")
    assert not together("calcite", "dolomite")
    assert not together("halite", "CaF2")
    assert not together("anatase", "rutile")
    assert not together("Pb_fcc", "NaPb3")
    pairs = xrd.polymorphs(xrd.phases())
    assert ("ZrO2_c", "ZrO2_m", "ZrO2_t") in pairs
    assert ("aragonite", "calcite") in pairs


def test_the_structure_type_does_not_depend_on_setting_and_origin(tmp_path):
    atoms = SALT[SALT.index("loop_") :].split("Na1", maxsplit=1)[0]
    template = SALT[: SALT.index("loop_")].replace("5.6402(2)", "{}").replace("F m -3 m", "{}")
    symbols = {"one": ("F d -3 m:1", "0 0 0"), "two": ("F d -3 m:2", "0.125 0.125 0.125")}
    read = {}
    for name, (symbol, place) in symbols.items():
        path = tmp_path / f"{name}.cif"
        path.write_text(template.format("5.43", "5.43", "5.43", symbol) + atoms + f"Si1 {place}\n", encoding="utf-8")
        read[name] = xrd.read_cif(path)
    assert xrd.same_structure_type(read["one"], read["two"])
    assert xrd.same_structure_type(read["one"], xrd.phases(["Si"])[0])
