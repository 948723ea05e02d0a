"""Screened cross-sections against tables, limits that are known in closed form, and their own convergence."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest

from surfspec.errors import GeometryError, InputError
from surfspec.leis.collisions import cross_sections as cs
from surfspec.leis.collisions import isotopes as iso
from surfspec.leis.collisions.kinematics import elastic_energy

# 4He+ 3000 eV, 145 deg, most abundant isotope, angstrom2/sr; quadrature checked against trajectories and the
# Rutherford limit
GOLDEN = {
    "16O": (2.30526e-4, 2.30407e-4), "23Na": (4.03353e-4, 4.01661e-4), "28Si": (5.86181e-4, 5.81140e-4),
    "31P": (6.53214e-4, 6.46368e-4), "90Zr": (2.39051e-3, 2.21739e-3), "208Pb": (5.07252e-3, 4.33746e-3),
}  # fmt: skip


@pytest.mark.parametrize(("isotope", "values"), GOLDEN.items())
def test_golden_values(isotope: str, values: tuple[float, float]) -> None:
    for potential, value in zip(("ZBL", "TFM"), values, strict=True):
        assert cs.cross_section(isotope, potential=potential) == pytest.approx(value, rel=1e-4)


def test_screening_length_of_oconnor_and_biersack() -> None:
    factor = 0.54 + 0.045 * (np.sqrt(2) + np.sqrt(8))
    assert factor == pytest.approx(0.7309, abs=1e-4)
    found = cs.cross_section("16O", potential="TFM", screening_factor=factor)
    assert found == pytest.approx(2.02452e-4, rel=1e-4)


def test_rutherford_limit_at_high_energy() -> None:
    energy = 1e7
    target, ion = iso.isotopes("90Zr"), iso.ion("4He")
    A = float(target.mass[0]) / ion.mass
    t = np.radians(145.0)
    root = np.sqrt(A**2 - np.sin(t) ** 2)
    size = cs.COULOMB * 2 * 40 / (4 * energy)
    # laboratory form of the Rutherford cross-section (Marion and Young, 1968)
    rutherford = size**2 * 4 / np.sin(t) ** 4 * (np.cos(t) + root / A) ** 2 / (root / A)
    ratio = cs.cross_section("90Zr", energy=energy) / rutherford
    # screening lowers it by about V_screen/E: 49 eV Z1 Z2^(4/3)/E of L'Ecuyer gives 1.3e-3
    assert 0.997 < ratio < 1.0


def test_quadrature_has_converged() -> None:
    potential = cs.screened_potential(2, 40, "ZBL")
    r0 = np.array([0.1549, 0.3, 1.0])
    energy = np.full(3, 2872.0)
    _, coarse = cs.deflection(r0, potential, energy, nodes=100)
    _, fine = cs.deflection(r0, potential, energy, nodes=1000)
    assert np.max(np.abs(coarse - fine)) < 1e-8


def test_smooth_up_to_a_head_on_collision() -> None:
    values = [cs.cross_section("90Zr", angle=angle) for angle in (178.0, 179.0, 179.9, 180.0)]
    assert np.all(np.isfinite(values))
    assert np.max(np.abs(np.diff(values))) < 2e-3 * values[0]


def test_forbidden_scattering_has_no_cross_section() -> None:
    assert cs.cross_section("O", ion="20Ne", energy=5000.0) == 0.0
    assert np.isnan(cs.isotope_cross_sections("O", ion="20Ne", energy=5000.0)).all()
    # only 41K scatters Ar backwards
    part = cs.cross_section("K", ion="40Ar", energy=5000.0)
    assert part == pytest.approx(0.067302 * cs.cross_section("41K", ion="40Ar", energy=5000.0), rel=1e-4)


def test_low_branch_of_a_light_target() -> None:
    setting = {"ion": "40Ar", "energy": 5000.0, "angle": 30.0}
    low = cs.cross_section("28Si", branch="low", **setting)  # type: ignore[arg-type]
    high = cs.cross_section("28Si", **setting)  # type: ignore[arg-type]
    assert low > 0
    assert high > 0
    assert low != high


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(InputError, match="unknown potential"):
        cs.cross_section("O", potential="Moliere")
    with pytest.raises(InputError, match="screening factor"):
        cs.cross_section("O", potential="TFM", screening_factor=0.0)
    with pytest.raises(GeometryError):
        cs.cross_section("O", angle=200.0)


def test_results_are_read_only_and_cached() -> None:
    with pytest.raises(ValueError, match="read-only"):
        cs.isotope_cross_sections("Zr")[0] = 1.0


@pytest.mark.data
def test_tables_of_expected_values(data_dir: Path) -> None:
    folder = data_dir.parent / "physics" / "leis_expected"
    files = sorted(folder.glob("peaks_*.csv"))
    if not files:
        pytest.skip(f"no tables of expected cross-sections in {folder}")
    compared = 0
    for path in files:
        match = re.fullmatch(r"peaks_(\w+?)_(\d+)eV_(\d+)deg", path.stem)
        assert match
        setting = {"ion": match[1], "energy": float(match[2]), "angle": float(match[3])}
        with path.open() as lines:
            for row in csv.DictReader(lines):
                if not row["ZBL"]:
                    continue
                main = row["A_main"] + row["element"]
                for potential in ("ZBL", "TFM"):
                    found = cs.cross_section(main, potential=potential, **setting)  # type: ignore[arg-type]
                    assert found == pytest.approx(float(row[potential]), rel=1e-4), (
                        path.name,
                        row["element"],
                        potential,
                    )
                found = elastic_energy(row["element"], **setting)  # type: ignore[arg-type]
                assert found == pytest.approx(float(row["E_centroid"]), abs=0.01), (path.name, row["element"])
                compared += 1
    assert compared > 100
