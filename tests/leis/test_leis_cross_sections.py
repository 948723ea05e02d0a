"""Screened cross-sections against tables, limits that are known in closed form, and their own convergence."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from surfspec.errors import GeometryError, InputError
from surfspec.leis.collisions import cross_sections as cs
from surfspec.leis.collisions import isotopes as iso
from surfspec.leis.collisions import kinematics as kin
from surfspec.leis.collisions import potentials
from surfspec.leis.collisions import scattering_integral as integral

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
    size = potentials.COULOMB * 2 * 40 / (4 * energy)
    # laboratory form of the Rutherford cross-section (Marion and Young, 1968)
    rutherford = size**2 * 4 / np.sin(t) ** 4 * (np.cos(t) + root / A) ** 2 / (root / A)
    ratio = cs.cross_section("90Zr", energy=energy) / rutherford
    # screening lowers it by about V_screen/E: 49 eV Z1 Z2^(4/3)/E of L'Ecuyer gives 1.3e-3
    assert 0.997 < ratio < 1.0


def test_quadrature_has_converged() -> None:
    potential = potentials.screened_potential(2, 40, "ZBL")
    r0 = np.array([0.1549, 0.3, 1.0])
    energy = np.full(3, 2872.0)
    _, coarse = integral.deflection(r0, potential, energy, nodes=100)
    _, fine = integral.deflection(r0, potential, energy, nodes=1000)
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


def test_quadrature_of_a_bare_nucleus_is_rutherford() -> None:
    bare = potentials.Potential(potentials.COULOMB * 80, 1.0, (1.0,), (0.0,))
    energy = np.full(4, 2000.0)
    chi = np.radians([10.0, 60.0, 120.0, 175.0])
    closest = integral.closest_approach(chi, bare, energy)
    exact = (bare.strength / (4 * energy * np.sin(chi / 2) ** 2)) ** 2
    # a bare potential has a kink at u = 0, where a screened one is smooth: 100 nodes give 1e-4, the goal, not 1e-9
    assert integral.centre_of_mass(closest, bare, energy) == pytest.approx(exact, rel=1e-4)
    # b = d/2 cot(chi/2) and r0 = d/2 (1 + 1/sin(chi/2)), d the distance of a head-on collision
    half = bare.strength / energy / 2
    assert closest == pytest.approx(half * (1 + 1 / np.sin(chi / 2)), rel=1e-4)
    assert integral.deflection(closest, bare, energy)[0] == pytest.approx(half / np.tan(chi / 2), rel=2e-3)


def test_deflection_against_the_equation_of_motion() -> None:
    # the orbit u(phi) of u = 1/r, integrated as a differential equation: an independent way to the same angle
    potential = potentials.screened_potential(2, 40, "KrC")
    energy, closest = 2000.0, 0.2
    b, chi = integral.deflection(np.array([closest]), potential, np.array([energy]))

    def force(_: float, state: Any) -> list[float]:
        u, slope = state
        dv = float(potential.energy(np.array([1 / max(u, 1e-9)]))[1][0])
        return [slope, -u + dv / (2 * energy * b[0] ** 2 * max(u, 1e-9) ** 2)]

    def away(_: float, state: Any) -> float:
        return float(state[0]) - 1e-6

    away.terminal = True  # type: ignore[attr-defined]
    path = solve_ivp(force, (0, np.pi), [1 / closest, 0.0], events=away, rtol=1e-10, atol=1e-12)
    assert path.t_events is not None
    assert float(path.t_events[0][0]) * 2 == pytest.approx(np.pi - chi[0], abs=1e-5)


def test_screening_only_lowers() -> None:
    for element in ("O", "Si", "Zr", "Pb"):
        bare = cs.rutherford(element)
        for potential in potentials.SCREENING:
            assert 0.05 * bare < cs.cross_section(element, potential=potential) < bare
    assert cs.rutherford("O", ion="20Ne", energy=5000.0) == 0.0


def test_domain_of_validity_is_told() -> None:
    assert cs.outside_domain("Zr") == ""
    assert "50 eV" in cs.outside_domain("Zr", energy=50.0)
    assert "2 deg" in cs.outside_domain("Zr", angle=1.9)
    with pytest.raises(GeometryError, match="centre of mass"):
        cs.cross_section("Zr", angle=0.2)


def test_results_are_read_only_and_cached() -> None:
    with pytest.raises(ValueError, match="read-only"):
        cs.isotope_cross_sections("Zr")[0] = 1.0


def tables(data_dir: Path) -> Iterator[tuple[str, dict[str, Any], dict[str, str]]]:
    """Yield (file, geometry, row) of every table of expected values."""
    folder = data_dir.parent / "physics" / "leis_expected"
    files = sorted(folder.glob("peaks_*.csv"))
    if not files:
        pytest.skip(f"no tables of expected values in {folder}")
    for path in files:
        match = re.fullmatch(r"peaks_(\w+?)_(\d+)eV_(\d+)deg", path.stem)
        assert match
        geometry = {"ion": match[1], "energy": float(match[2]), "angle": float(match[3])}
        with path.open() as lines:
            for row in csv.DictReader(lines):
                yield path.name, geometry, row


@pytest.mark.data
def test_every_column_of_cross_sections(data_dir: Path) -> None:
    compared = 0
    for name, geometry, row in tables(data_dir):
        if not row["ZBL"]:
            continue
        main = row["A_main"] + row["element"]
        found = cs.isotope_collisions(main, **geometry)
        place = (name, row["element"])
        assert found.angle[0] == pytest.approx(float(row["chi_deg"]), abs=6e-4), place
        assert found.impact[0] == pytest.approx(float(row["b_A"]), abs=6e-6), place
        assert found.closest[0] == pytest.approx(float(row["rmin_A"]), abs=6e-6), place
        for column, potential in (("ZBL", "ZBL"), ("TFM", "TFM"), ("TFM_OB", "TFM_OB"), ("KRC", "KrC")):
            value = cs.cross_section(main, potential=potential, **geometry)
            assert value == pytest.approx(float(row[column]), rel=1e-5), (*place, potential)
        assert cs.rutherford(main, **geometry) == pytest.approx(float(row["Rutherford"]), rel=1e-5), place
        compared += 1
    assert compared > 100


@pytest.mark.data
def test_every_column_of_energies(data_dir: Path) -> None:
    forbidden = 0
    for name, geometry, row in tables(data_dir):
        place = (name, row["element"])
        target = iso.isotopes(row["element"])
        energies = kin.isotope_energies(row["element"], **geometry)
        real = np.isfinite(energies)
        assert (energies.size, int(real.sum())) == (int(row["n_iso"]), int(row["n_allowed"])), place
        assert target.abundance[real].sum() == pytest.approx(float(row["allowed_abundance"]), abs=2e-6), place
        if not real.any():
            assert np.isnan(kin.elastic_energy(row["element"], **geometry)), place
            forbidden += 1
            continue
        main = row["A_main"] + row["element"]
        line = kin.elastic_energy(main, **geometry)
        ratio = iso.isotopes(main).mass / iso.ion(geometry["ion"]).mass
        weight = target.abundance[real] / target.abundance[real].sum()
        mean = float(weight @ energies[real])
        spread = float(np.sqrt(weight @ (energies[real] - mean) ** 2))
        by_angle = float(geometry["energy"] * kin.angle_dispersion(ratio, geometry["angle"])[0])
        by_mass = float(line * kin.mass_dispersion(ratio, geometry["angle"])[0] / iso.ion(geometry["ion"]).mass)
        for column, value, limit in (
            ("E_main", line, 0.006), ("E_centroid", kin.elastic_energy(row["element"], **geometry), 0.006),
            ("iso_sd", spread, 0.006), ("iso_min", energies[real].min(), 0.006),
            ("iso_max", energies[real].max(), 0.006),
            ("dEdtheta", by_angle, 6e-4), ("dEdM", by_mass, 6e-4),
        ):  # fmt: skip
            assert value == pytest.approx(float(row[column]), abs=limit), (*place, column)
    assert forbidden > 10
