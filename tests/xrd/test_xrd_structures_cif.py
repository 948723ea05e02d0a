"""CIF files as people have them: brackets, origins, operations without a name, water, deuterium, disorder, faults."""

from __future__ import annotations

import gzip
import math
import os

import numpy as np
import pytest

from surfspec import errors, xrd
from surfspec.xrd.structures.cif_blocks import measured
from surfspec.xrd.structures.folder import read_structures

CELL = """_cell_length_a {a}
_cell_length_b {b}
_cell_length_c {c}
_cell_angle_alpha {alpha}
_cell_angle_beta {beta}
_cell_angle_gamma {gamma}
"""
CUBIC = {"alpha": 90, "beta": 90, "gamma": 90}


def cif(tmp_path, atoms, *, header="", columns=("type_symbol", "fract_x", "fract_y", "fract_z"), name="one", **cell):
    loop = "loop_\n_atom_site_label\n" + "".join(f"_atom_site_{column}\n" for column in columns)
    text = f"data_{name}\n{CELL.format(**CUBIC, **cell)}{header}\n{loop}{atoms.strip()}\n"
    path = tmp_path / f"{name}.cif"
    path.write_text(text, encoding="utf-8")
    return path


def silicon(tmp_path, symbol, position="0 0 0", a="5.4309", extra=""):
    header = f"_space_group_name_H-M_alt '{symbol}'\n{extra}"
    return cif(tmp_path, f"Si1 Si {position}", header=header, a=a, b=a, c=a, name="si")


def test_numbers_with_brackets():
    assert measured("5.6402(3)") == (5.6402, 0.0003)
    assert measured("13.316(12)") == (13.316, 0.012)
    assert measured("120(2)") == (120.0, 2.0)
    assert measured("1.2E-2(3)")[1] == pytest.approx(0.003)
    assert math.isnan(measured("5.64")[1])
    assert all(math.isnan(value) for value in measured("?"))


def test_brackets_and_temperature_are_read(tmp_path):
    path = silicon(tmp_path, "F d -3 m:1", a="5.4309(12)", extra="_diffrn_ambient_temperature 295(2)\n")
    phase = xrd.read_cif(path)
    assert phase.cell == (5.4309, 5.4309, 5.4309, 90.0, 90.0, 90.0)
    assert phase.cell_uncertainty == pytest.approx(0.0012 / 5.4309)
    assert phase.temperature == 295.0
    assert xrd.read_cif(silicon(tmp_path, "F d -3 m:1")).cell_uncertainty is None


def test_a_file_is_read_again_when_it_changes(tmp_path):
    path = silicon(tmp_path, "F d -3 m:1")
    first = xrd.read_cif(path)
    assert xrd.read_cif(path) is first
    path.write_text(path.read_text().replace("5.4309", "5.5001"), encoding="utf-8")
    os.utime(path, ns=(1, 1))
    assert xrd.read_cif(path).cell[0] == 5.5001


@pytest.mark.parametrize(
    ("symbol", "position", "setting"),
    [("F d -3 m", "0 0 0", "F d -3 m:1"), ("Fd-3m", "0.125 0.125 0.125", "F d -3 m:2"),
     ("F d -3 m S", "0 0 0", "F d -3 m:1"), ("F d -3 m Z", "0.125 0.125 0.125", "F d -3 m:2")],
)  # fmt: skip
def test_the_origin_is_told_by_the_atoms_or_the_letter(tmp_path, symbol, position, setting):
    phase = xrd.read_cif(
        silicon(tmp_path, symbol, position, extra="_chemical_formula_sum Si\n_cell_formula_units_Z 8\n")
    )
    assert phase.space_group == setting
    assert phase.density == pytest.approx(2.329, abs=2e-3)
    assert ("other origin" in phase.note) == (symbol[-1] not in "SZ")


def test_an_origin_that_cannot_be_told_is_refused(tmp_path):
    # silicon at (0 0 0): 8 atoms in the cell with the one origin, 16 with the other
    path = silicon(tmp_path, "F d -3 m")
    with pytest.raises(errors.InputError, match=r"does not say which origin .*F d -3 m:1 or F d -3 m:2"):
        xrd.read_cif(path)


@pytest.mark.parametrize("symbol", ["P 21/c", "P2(1)/c", "P2_1/c", "P 1 21/c 1"])
def test_monoclinic_symbols_as_they_are_written(tmp_path, symbol):
    header = f"_symmetry_space_group_name_H-M '{symbol}'\n"
    text = cif(
        tmp_path, "Zr Zr 0.2754 0.0395 0.2083\nO1 O 0.07 0.3317 0.3447\nO2 O 0.4496 0.7569 0.4792", header=header,
        a="5.1505", b="5.2116", c="5.3173",
    )  # fmt: skip
    text.write_text(text.read_text().replace("beta 90", "beta 99.23"), encoding="utf-8")
    phase = xrd.read_cif(text)
    assert phase.space_group == "P 1 21/c 1"
    assert phase.formula == "ZrO2"
    assert phase.density == pytest.approx(xrd.phases(["ZrO2_m"])[0].density, rel=1e-6)


OPERATIONS = "loop_\n_space_group_symop_operation_xyz\n{}\n"


def test_operations_without_a_name(tmp_path):
    listed = OPERATIONS.format("'x,y,z'\n'-x,-y,-z'\n'1/2+x,1/2-y,1/2+z'\n'1/2-x,1/2+y,1/2-z'")
    path = cif(tmp_path, "Mo Mo 0.1 0.2 0.3", header=listed, a="6", b="7", c="8")
    assert xrd.read_cif(path).space_group == "P 1 21/n 1"


def test_operations_of_no_tabulated_setting_are_written_out(tmp_path):
    # P -1 with the centre of symmetry at (1/8, 0, 0): the same crystal as P -1 with shifted atoms
    shifted = cif(
        tmp_path, "Mo Mo 0.225 0.2 0.3", header=OPERATIONS.format("'x,y,z'\n'1/4-x,-y,-z'"), a="6", b="7", c="8"
    )
    plain = cif(
        tmp_path, "Mo Mo 0.1 0.2 0.3", header="_space_group_name_H-M_alt 'P -1'\n", a="6", b="7", c="8", name="plain"
    )
    odd, usual = xrd.read_cif(shifted), xrd.read_cif(plain)
    assert odd.space_group == "P 1"
    assert len(odd.sites) == 2
    assert "no tabulated setting" in odd.note
    left = xrd.pattern(odd, wavelength="CuKa1", two_theta=(10, 60))
    right = xrd.pattern(usual, wavelength="CuKa1", two_theta=(10, 60))
    shared = [np.round(one.reflection_two_theta.values, 6) for one in (left, right)]
    for angle in np.unique(shared[1]):
        sums = [float(one.area.values[at == angle].sum()) for one, at in zip((left, right), shared, strict=True)]
        assert sums[0] == pytest.approx(sums[1], rel=1e-6)


def test_symbol_and_operations_that_contradict_each_other(tmp_path):
    header = "_space_group_name_H-M_alt 'P 1 21/c 1'\n" + OPERATIONS.format("'x,y,z'\n'-x,-y,-z'")
    path = cif(tmp_path, "Mo Mo 0.1 0.2 0.3", header=header, a="6", b="7", c="8")
    with pytest.raises(errors.InputError, match="contradict each other"):
        xrd.read_cif(path)


def test_operations_against_the_cell(tmp_path):
    header = OPERATIONS.format("'x,y,z'\n'y,x,-z'")
    path = cif(tmp_path, "Mo Mo 0.1 0.2 0.3", header=header, a="6", b="7", c="8")
    with pytest.raises(errors.InputError, match="symmetry of the listed operations"):
        xrd.read_cif(path)


def test_water_and_deuterium_by_label(tmp_path):
    header = "_space_group_name_H-M_alt 'P 1'\n_chemical_formula_sum 'Na O2 D2'\n"
    atoms = "Na1 0 0 0\nWat 0.5 0.5 0.5\nO1 0.5 0 0\nD1 0.5 0.35 0.4\nD2 0.5 0.65 0.4"
    columns = ("fract_x", "fract_y", "fract_z")
    phase = xrd.read_cif(cif(tmp_path, atoms, header=header, columns=columns, a="5", b="5", c="5"))
    assert phase.elements == {"Na", "O", "H"}
    assert phase.formula == "NaO2H2"
    assert "Wat is read as O" in phase.note
    assert "Deuterium" in phase.note
    assert "Check" not in phase.note


def test_charges_dummies_and_hydrogen_without_coordinates(tmp_path):
    header = "_space_group_name_H-M_alt 'P m -3 m'\n_chemical_formula_sum 'Zr O H'\n"
    atoms = "Zr1 Zr4+ 0 0 0 1 d\nO1 O2- 0.5 0.5 0.5 1 d\nH1 H ? ? ? 1 d\nQ1 O 0.2 0.2 0.2 1 dum"
    columns = ("type_symbol", "fract_x", "fract_y", "fract_z", "occupancy", "calc_flag")
    phase = xrd.read_cif(cif(tmp_path, atoms, header=header, columns=columns, a="3.5", b="3.5", c="3.5"))
    assert [list(site.species) for site in phase.sites] == [["Zr"], ["O"]]
    assert "H1 has no coordinates" in phase.note
    assert "Hydrogen is in the formula and not at the sites" in phase.note


def test_mixed_site_with_partial_occupancies(tmp_path):
    header = "_space_group_name_H-M_alt 'F m -3 m'\n"
    columns = ("type_symbol", "fract_x", "fract_y", "fract_z", "occupancy", "B_iso_or_equiv")
    path = cif(
        tmp_path, "Zr1 Zr 0 0 0 0.852(3) 0.9\nY1 Y 0 0 0 0.148(3) 0.9\nO1 O 0.25 0.25 0.25 0.963 1.9", header=header,
        columns=columns, a="5.14", b="5.14", c="5.14",
    )  # fmt: skip
    phase = xrd.read_cif(path)
    assert phase.sites[0].species == {"Zr": pytest.approx(0.852), "Y": pytest.approx(0.148)}
    assert [site.b_iso for site in phase.sites] == pytest.approx([0.9, 1.9])
    assert phase.note == ""
    assert phase.density == pytest.approx(5.96, abs=0.02)  # (Y, Zr)O1.926 by hand: 4 * 121.7 u / 135.8 angstrom3


@pytest.mark.parametrize(("occupancy", "said"), [("nan", "'nan', no number"), ("?", "unknown"), ("full", "'full'")])
def test_occupancies_that_are_no_numbers_are_refused(tmp_path, occupancy, said):
    path = cif(
        tmp_path, f"Na1 Na 0 0 0 {occupancy}\nCl1 Cl 0.5 0.5 0.5 .", header="_space_group_name_H-M_alt 'F m -3 m'\n",
        columns=("type_symbol", "fract_x", "fract_y", "fract_z", "occupancy"), a="5.64", b="5.64", c="5.64",
    )  # fmt: skip
    with pytest.raises(errors.InputError, match=f"the occupancy of Na1 is.*{said}"):
        xrd.read_cif(path)


@pytest.mark.parametrize(
    ("written", "formula", "noted"),
    [("Na1e999 Cl(((", "NaCl", True), ("Xy2 O3", "NaCl", True), ("Na0 Cl", "NaCl", True), ("Cl1 Na1", "ClNa", False),
     ("(Na Cl)2", "(NaCl)2", False)],
)  # fmt: skip
def test_a_formula_that_is_none_is_noted_and_replaced(tmp_path, written, formula, noted):
    header = f"_space_group_name_H-M_alt 'F m -3 m'\n_chemical_formula_sum '{written}'\n"
    phase = xrd.read_cif(cif(tmp_path, "Na1 Na 0 0 0\nCl1 Cl 0.5 0.5 0.5", header=header, a="5.64", b="5.64", c="5.64"))
    assert phase.formula == formula
    assert ("cannot be read, that of the sites is used" in phase.note) == noted
    assert "B = 0.6 square angstrom assumed for Na1, Cl1." in phase.note
    assert "Check" not in phase.note


def test_anisotropic_displacement_becomes_its_equivalent(tmp_path):
    aniso = "loop_\n_atom_site_aniso_label\n" + "".join(f"_atom_site_aniso_U_{i}\n" for i in (11, 22, 33, 12, 13, 23))
    header = "_space_group_name_H-M_alt 'P -1'\n" + aniso + "Mo 0.01 0.02 0.03 0 0 0\n"
    path = cif(tmp_path, "Mo Mo 0.1 0.2 0.3", header=header, a="6", b="7", c="8")
    assert xrd.read_cif(path).sites[0].b_iso == pytest.approx(8 * math.pi**2 * 0.02)


@pytest.mark.parametrize(
    ("tag", "kind"),
    [("_space_group_magn.number_BNS 62.448", "magnetic"), ("_cell_modulation_dimension 1", "modulated"),
     ("_space_group_ssg_name 'C2/m(a0b)0s'", "modulated")],
)  # fmt: skip
def test_magnetic_and_modulated_structures_are_refused_by_name(tmp_path, tag, kind):
    with pytest.raises(errors.InputError, match=f"this is a {kind} structure"):
        xrd.read_cif(silicon(tmp_path, "F d -3 m:1", extra=tag + "\n"))


def test_what_is_unlikely_is_said(tmp_path):
    header = "_space_group_name_H-M_alt 'P m -3 m'\n_chemical_formula_sum 'Zr O2'\n_exptl_crystal_density_diffrn 9.9\n"
    path = cif(tmp_path, "Zr1 Zr 0 0 0\nO1 O 0.35 0 0", header=header, a="3.4", b="3.4", c="3.4")
    phase = xrd.read_cif(path)
    assert "Zr1 and O1 are only 1.19 angstrom apart (sum of covalent radii 2.41)" in phase.note
    assert "no multiple of ZrO2" in phase.note
    assert any("1.19 angstrom" in one for one in xrd.doubts(phase))
    thin = cif(
        tmp_path, "Zr1 Zr 0 0 0", header="_space_group_name_H-M_alt 'P m -3 m'\n", a="9", b="9", c="9", name="thin"
    )
    assert "729.0 cubic angstrom for an atom" in xrd.read_cif(thin).note
    pressed = silicon(tmp_path, "F d -3 m:1", extra="_cell_measurement_pressure 5.2e6\n")
    assert "5.2 GPa" in xrd.read_cif(pressed).note


def test_files_in_latin_1_packed_files_and_what_is_no_file(tmp_path):
    path = silicon(tmp_path, "F d -3 m:1", extra="_publ_author_name 'M\u00fcller'\n")
    text = path.read_text(encoding="utf-8")
    path.write_bytes(text.encode("latin-1"))
    assert xrd.read_cif(path).source == "M\u00fcller"
    packed = tmp_path / "si.cif.gz"
    packed.write_bytes(gzip.compress(text.encode()))
    assert xrd.read_cif(packed).cell[0] == 5.4309
    path.write_bytes(b"\x1f\x8bno gzip")
    with pytest.raises(errors.FormatError, match="no readable CIF"):
        xrd.read_cif(path)
    with pytest.raises(errors.InputError, match="a NoneType is no file name"):
        xrd.read_cif(None)


def test_damaged_files_end_in_an_error_that_helps(tmp_path):
    path = silicon(tmp_path, "F d -3 m", extra="_chemical_formula_sum Si\n_cell_formula_units_Z 8\n")
    whole = path.read_bytes()
    rng = np.random.default_rng(7)
    remedies = []
    for _ in range(300):
        data = bytearray(whole)
        for place in rng.integers(0, len(whole) - 40, size=3):
            data[place : place + int(rng.integers(0, 9))] = rng.choice(
                list(b"0123456789.-?()'; _ax\xfc"), size=2
            ).tolist()
        path.write_bytes(bytes(data))
        try:
            assert xrd.read_cif(path).density > 0
        except errors.SurfspecError as error:
            remedies.append(error.remedy)
    assert len(remedies) > 100
    assert all(remedies)


def test_several_structures_in_one_file(tmp_path):
    one = silicon(tmp_path, "F d -3 m:1").read_text()
    path = tmp_path / "two.cif"
    path.write_text(
        "data_global\n_journal_year 1999\n" + one + one.replace("data_si", "data_hot").replace("5.43", "5.47")
    )
    with pytest.raises(errors.FormatError, match=r"holds 2 structures \(si, hot\)"):
        xrd.read_cif(path)
    assert xrd.read_cif(path, block="hot").cell[0] == 5.4709
    with pytest.raises(errors.FormatError, match="no structure is called 'cold'"):
        xrd.read_cif(path, block="cold")


@pytest.mark.data
def test_open_structure_files(data_dir):
    """90 files of the COD: all but three are read, and what is wrong with four more is said."""
    files = sorted((data_dir.parent / "phases" / "more").glob("*.cif"))
    if len(files) < 80:
        pytest.skip("no structure files")
    read = {file.stem: read_structures(file) for file in files}
    faulty = {name: problems for name, (_, problems) in read.items() if problems}
    assert set(faulty) == {"CoFe2O4", "NiFe2O4", "MgOH2-Brucite"}
    assert "Fe and O of CoFe2O4 are 0.17 angstrom apart" in faulty["CoFe2O4"][0]
    doubtful = {name for name, (phases, _) in read.items() if any("Check:" in phase.note for phase in phases)}
    assert doubtful == {"MgCO3-Magnesite", "NbO2"}
    for name, card in (("ZrSiO4", "ZrSiO4"), ("CaF2-Fluorite", "CaF2"), ("SiO2-Cristobalite", "cristobalite")):
        (phase,) = read[name][0]
        assert phase.density == pytest.approx(xrd.phases([card])[0].density, rel=0.02)
        assert xrd.same_structure_type(phase, xrd.phases([card])[0])
