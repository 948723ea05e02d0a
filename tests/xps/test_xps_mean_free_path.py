"""TPP-2M and S3 against published numbers; materials against their formulas."""

from __future__ import annotations

import numpy as np
import pytest

import surfspec as ss
from surfspec import reference
from surfspec.errors import InputError
from surfspec.reference import Material
from surfspec.xps.amounts.mean_free_path import lengths, seah_s3, tpp2m

#: Table 5 of Tanuma, Powell & Penn (1994): formula, density, valence electrons, plasmon energy (eV) as printed.
TABLE_5 = {
    "26-n-paraffin": ("C26H54", 0.99, 158, 18.8),
    "adenine": ("C5H5N5", 1.35, 50, 20.4),
    "beta-carotene": ("C40H56", 0.993, 216, 18.2),
    "diphenyl-hexatriene": ("C18H16", 0.986, 88, 17.6),
    "guanine": ("C5H5N5O", 1.58, 56, 22.0),
    "kapton": ("C22H10N2O5", 1.36, 138, 20.2),
    "polyacetylene": ("C2H2", 1.13, 10, 19.0),
    "poly(butene-1-sulfone)": ("C4H8SO2", 1.39, 42, 20.1),
    "polyethylene": ("C2H4", 0.93, 12, 18.2),
    "PMMA": ("C5H8O2", 1.19, 40, 19.9),
    "polystyrene": ("C8H8", 1.05, 40, 18.3),
    "poly(2-vinylpyridine)": ("C7H7N", 1.01, 40, 17.9),
}
#: Mean free paths in silicon from optical data, angstrom: Jablonski & Powell, J. Vac. Sci. Technol. A 27 (2009) 253.
SILICON = {93: 5.1, 1101: 26.4, 1155: 27.4, 1385: 31.6, 1616: 35.8}


@pytest.mark.parametrize("name", TABLE_5)
def test_valence_electrons_and_plasmon_energies_of_the_paper(name: str) -> None:
    formula, density, electrons, plasmon = TABLE_5[name]
    one = Material(name, formula, density)
    assert one.electrons == electrons
    assert 28.8 * np.sqrt(one.electrons * one.density / one.molar_mass) == pytest.approx(plasmon, abs=0.11)


def test_the_value_of_nist_srd_71() -> None:
    """Samarium at 50 eV by TPP-2M: 4.79 angstrom in the database."""
    assert float(lengths("Sm", 50.0)[0][0]) == pytest.approx(0.479, abs=0.0005)


def test_silicon_beside_optical_data() -> None:
    table = ss.xps.inelastic_mean_free_path("Si", list(SILICON))
    ratio = table.mean_free_path.values / (0.1 * np.array(list(SILICON.values())))
    assert np.all(np.abs(ratio - 1) < 0.03)
    assert np.all(np.abs(ratio - 1) < table.mean_free_path_unc / table.mean_free_path)
    # what makes the errors of two lines alike: above 1 keV the deviations are the same
    assert np.ptp(ratio[1:]) < 0.003


def test_the_average_matrix() -> None:
    """Numbers of an independent implementation with the constants of the average matrix."""
    expected = {50: 0.5066507922, 100: 0.5776234231, 500: 1.4263303288, 1000: 2.3680014239, 2000: 4.0603320985}
    np.testing.assert_allclose(lengths("average", list(expected))[0], list(expected.values()), rtol=1e-8)


def test_the_parts_of_the_equation() -> None:
    """Gold: U 1.0778, beta 0.024342, gamma 0.043477, C 0.98918, D 30.981, computed by hand."""
    e, plasmon = 1000.0, 29.899742
    bracket = 0.024341594 * np.log(0.043476514 * e) - 0.98917551 / e + 30.981154 / e**2
    value = tpp2m(e, density=19.3, molar_mass=196.97, valence_electrons=11)
    assert float(value) == pytest.approx(0.1 * e / (plasmon**2 * bracket), rel=1e-6)


def test_attenuation_lengths_of_silicon_oxide() -> None:
    """Seah & Spencer (2002): 3.448 nm for Si 2p in SiO2 under Al K-alpha, 2.964 nm under Mg K-alpha."""
    table = ss.xps.inelastic_mean_free_path("SiO2", [1383.2, 1150.3])
    np.testing.assert_allclose(table.attenuation_length, [3.448, 2.964], rtol=0.10)
    assert np.all(np.abs(table.attenuation_length - [3.448, 2.964]) < table.attenuation_length_unc)
    assert np.all(table.attenuation_length < table.mean_free_path)


def test_s3_is_its_formula() -> None:
    z, gap = 10.0, 8.9
    a = (60.084 / (2.2 * 6.02214076e23 * 3)) ** (1 / 3) * 1e7
    value = (5.8 + 0.0041 * z**1.7 + 0.088 * 1000**0.93) * a**1.82 / (z**0.38 * (1 - 0.02 * gap))
    found = seah_s3(1000.0, density=2.2, molar_mass=60.084, atoms=3, mean_atomic_number=z, band_gap=gap)
    assert float(found) == pytest.approx(value, rel=1e-12)


def test_every_shipped_material_is_coherent() -> None:
    for name in reference.material_names():
        one = reference.material(name)
        if name != "Sm":
            assert reference.valence_electrons(one.formula) == one.electrons, name
        table = ss.xps.inelastic_mean_free_path(name, [300.0, 1400.0])
        assert np.all(table.mean_free_path_unc >= 0.0999 * table.mean_free_path)
        assert table.attrs["verified"] in ("yes", "no")
    assert reference.material("Na3PO4").verified is False
    assert reference.material("polyethylene").verified is True


def test_atoms_of_sodium_phosphate() -> None:
    film = reference.material("Na3PO4")
    total = sum(film.atoms(e) for e in ("Na", "P", "O"))
    assert total == pytest.approx(74.5, rel=0.002)  # 7.45e22 atoms/cm3
    assert film.atoms("Zr") == 0.0
    assert film.mean_atomic_number == pytest.approx((33 + 15 + 32) / 8)


def test_an_uncertain_band_gap_widens_the_uncertainty() -> None:
    sure = Material("a", "Na3PO4", 2.536, band_gap=5.0)
    unsure = Material("b", "Na3PO4", 2.536, band_gap=5.0, band_gap_unc=2.0)
    (value, narrow), (_, wide) = lengths(sure, 1000.0), lengths(unsure, 1000.0)
    moved = lengths(Material("c", "Na3PO4", 2.536, band_gap=7.0), 1000.0)[0] - value
    np.testing.assert_allclose(wide**2, narrow**2 + moved**2)


def test_extrapolation_is_said() -> None:
    assert "note" not in ss.xps.inelastic_mean_free_path("Au", 1000.0).attrs
    assert "extrapolated" in ss.xps.inelastic_mean_free_path("Au", [1000.0, 9000.0]).attrs["note"]


def test_bad_input_is_refused() -> None:
    for call, words in (
        (lambda: reference.material("Na3P04"), "Na3PO4"),
        (lambda: Material("x", "NaXx", 1.0), "formula"),
        (lambda: Material("x", "", 1.0), "formula"),
        (lambda: Material("x", "NaCl", -1.0), "density"),
        (lambda: Material("x", "NaCl", 2.0, band_gap=-1.0), "band_gap"),
        (lambda: reference.valence_electrons("Gd2O3"), "valence_electrons"),
        (lambda: ss.xps.inelastic_mean_free_path("Au", [0.0]), "no length at 0 eV"),
        (lambda: ss.xps.inelastic_mean_free_path("Au", [1000.0, 49.9]), r"49\.9 eV.*fitted for 50 to 2000"),
        (lambda: ss.xps.inelastic_mean_free_path("Au", 10_001.0), "50 to 10000 eV"),
        (lambda: ss.xps.inelastic_mean_free_path("Au", np.nan), "nan"),
        (lambda: ss.xps.inelastic_mean_free_path("Au", "a"), "energy is 'a'"),
        (lambda: ss.xps.inelastic_mean_free_path("Au", 1j), "energy is 1j"),
        (lambda: ss.xps.inelastic_mean_free_path("Au", True), "energy is True"),
        (lambda: ss.xps.inelastic_mean_free_path("Au", [[1.0], [1.0, 2.0]]), "2 dimensions"),
        (lambda: ss.xps.inelastic_mean_free_path("Au", [[1.0]]), "dimensions"),
        (lambda: lengths("average", 1000.0, "S3"), "average"),
        (lambda: lengths("Au", 1000.0, "S5"), "S3"),
        (lambda: tpp2m(27.0, density=35.0, molar_mass=271.0, valence_electrons=6), "50 to 2000"),
        (lambda: tpp2m(1000.0, density=-1.0, molar_mass=60.0, valence_electrons=16), "density is -1.0"),
    ):
        with pytest.raises(InputError, match=words):
            call()
