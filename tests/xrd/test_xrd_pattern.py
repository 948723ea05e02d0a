"""Calculated patterns against closed forms, tables and an independent computation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from surfspec import errors, xrd
from surfspec.xrd.patterns import profile, reflections, structure_factors

WAVE = 1.540598


def one(name):
    return xrd.phases([name])[0]


def forms(ds):
    """Absolute indices in rising order, which name a form of a cubic phase."""
    table = np.sort(np.abs(np.stack([ds.h.values, ds.k.values, ds.l.values], axis=1)), axis=1)
    return [tuple(map(int, row)) for row in table]


def indices(ds):
    return set(forms(ds))


def test_extinctions_of_cubic_lattices():
    fcc = indices(xrd.pattern(one("Pb_fcc"), wavelength=WAVE, two_theta=(10, 100)))
    assert all(len({i % 2 for i in hkl}) == 1 for hkl in fcc)
    bcc = indices(xrd.pattern(one("Na_bcc"), wavelength=WAVE, two_theta=(10, 100)))
    assert all(sum(hkl) % 2 == 0 for hkl in bcc)
    diamond = indices(xrd.pattern(one("Si"), wavelength=WAVE, two_theta=(10, 100)))
    assert all(len({i % 2 for i in hkl}) == 1 and (hkl[0] % 2 or sum(hkl) % 4 == 0) for hkl in diamond)
    assert {(1, 1, 1), (0, 0, 2), (0, 2, 2)} <= fcc
    assert (0, 0, 2) not in diamond


def test_multiplicities_of_m3m():
    ds = xrd.pattern(one("LaB6"), wavelength=WAVE, two_theta=(15, 110))
    want = {(0, 0, 1): 6, (0, 1, 1): 12, (1, 1, 1): 8, (0, 1, 2): 24, (1, 1, 2): 24, (1, 2, 3): 48}
    found = dict(zip(forms(ds), ds.multiplicity.values, strict=True))
    for hkl, count in want.items():
        assert found[hkl] == count


def test_structure_factor_of_salt_by_hand():
    """F(200) = 4 (f_Na e^(-B_Na s^2) + f_Cl e^(-B_Cl s^2)), with f' and f'' of Cromer and Liberman."""
    salt = one("halite")
    ds = xrd.pattern(salt, wavelength=WAVE, two_theta=(25, 35))
    d = salt.cell[0] / 2
    row = int(np.argmin(np.abs(ds.d.values - d)))
    s2 = np.array([1 / (4 * d**2)])
    total = 0j
    for site in salt.sites:
        symbol = next(iter(site.species))
        f = structure_factors.form_factor(symbol, s2)[0] + structure_factors.anomalous(symbol, 12398.42 / WAVE)
        total += 4 * f * np.exp(-site.b_iso * s2[0])
    assert np.sqrt(ds.f_squared.values[row]) == pytest.approx(abs(total), rel=1e-6)
    # independent value of the project's physics notes for the same card
    assert abs(total) == pytest.approx(83.3, abs=0.3)


def test_form_factor_at_zero_is_the_electron_count():
    for symbol, number in (("O", 8), ("Zr", 40), ("Pb", 82)):  # the four-Gaussian fits are good to about 0.1 %
        assert structure_factors.form_factor(symbol, np.zeros(1))[0] == pytest.approx(number, rel=1e-3)


@pytest.mark.parametrize(
    ("name", "hkl", "d"),
    # a / sqrt(h^2 + k^2 + l^2) with the cells of PDF 04-0686, 22-0948 and SRM 640c
    [
        ("Pb_fcc", (1, 1, 1), 2.8582),
        ("Pb_fcc", (0, 0, 2), 2.4753),
        ("Na_bcc", (0, 1, 1), 3.0339),
        ("Si", (1, 1, 1), 3.13570),
    ],
)
def test_lattice_spacings(name, hkl, d):
    ds = xrd.pattern(one(name), wavelength=WAVE)
    row = forms(ds).index(hkl)
    assert ds.d.values[row] == pytest.approx(d, abs=1e-4)


@pytest.mark.parametrize(
    ("name", "positions"),
    [
        ("ZrO2_m", (24.04, 24.44, 28.12, 31.44)),  # wang2022, figure S2
        ("ZrSiO4", (26.99,)),
        ("Pb_fcc", (31.270, 36.26, 52.22, 62.14)),
        ("Na_bcc", (29.416, 42.09, 52.18)),
        ("Na15Pb4", (16.29, 18.83, 21.08, 31.49, 34.31)),
    ],
)
def test_line_positions_of_the_papers(name, positions):
    found = xrd.pattern(one(name), wavelength=WAVE).reflection_two_theta.values
    for position in positions:
        assert np.min(np.abs(found - position)) < 0.05


def test_doublet_is_drawn_at_both_wavelengths():
    x = np.arange(80, 96, 0.005)
    sharp = profile.Caglioti(0.0, 0.0, 0.0004, 0.0)
    ds = xrd.pattern(one("Si"), wavelength="CuKa", two_theta=x, profile=sharp)
    y = ds.intensity.values
    tops = x[1:-1][(y[1:-1] > y[:-2]) & (y[1:-1] > y[2:])]
    d = one("Si").cell[0] / np.sqrt(24)
    want = [2 * np.degrees(np.arcsin(wave / 2 / d)) for wave in (1.5405929, 1.5444274)]
    assert np.allclose(tops[:2], want, atol=0.006)
    areas = [y[np.abs(x - at) < 0.1].sum() for at in want]
    assert areas[1] / areas[0] == pytest.approx(0.5, rel=0.02)


def test_area_is_kept_and_shifts_apply():
    x = np.arange(25, 40, 0.01)
    plain = xrd.pattern(one("Pb_fcc"), wavelength=WAVE, two_theta=x)
    assert np.trapezoid(plain.intensity, x) == pytest.approx(float(plain.area.sum()), rel=0.05)
    moved = xrd.pattern(one("Pb_fcc"), wavelength=WAVE, two_theta=x, zero=0.1, displacement=-0.05)
    difference = moved.reflection_two_theta.values - plain.reflection_two_theta.values
    want = 0.1 - 0.05 * np.cos(np.radians(plain.reflection_two_theta.values) / 2)
    assert np.allclose(difference, want)


def test_monochromator_changes_the_polarisation_only():
    angle = np.array([40.0])
    a = np.cos(np.radians(26.6)) ** 2
    c2 = np.cos(np.radians(40.0)) ** 2
    want = (1 + a * c2) / (1 + a) / ((1 + c2) / 2)
    found = structure_factors.lorentz_polarisation(angle, 26.6) / structure_factors.lorentz_polarisation(angle)
    assert found[0] == pytest.approx(want)


@pytest.mark.parametrize("name", ["Na_bcc", "ZnO", "rutile", "V2O5", "ZrO2_m", "calcite"])
def test_metric_parts_sum_to_the_spacing(name):
    phase = one(name)
    found = structure_factors.lines(phase, WAVE, 60.0)
    d = np.array([phase.unit_cell.calculate_d(list(map(int, hkl))) for hkl in found.hkl])
    assert np.allclose(found.parts.sum(axis=1), d**-2.0, rtol=1e-12)


def test_pseudo_voigt_derivatives():
    offset, width = np.array([0.03]), np.array([0.11])
    value, by_center, by_width = profile.pseudo_voigt_derivatives(offset, width, 0.4)
    assert value[0] == pytest.approx(profile.pseudo_voigt(offset, width, 0.4)[0])

    def at(p):
        return float(profile.pseudo_voigt(offset - p[0], np.array([p[1]]), 0.4)[0])

    numeric = approx_fprime(np.array([0.0, 0.11]), at, 1e-7)
    assert np.allclose(numeric, [by_center[0], by_width[0]], rtol=1e-4)


@pytest.mark.parametrize(
    ("name", "usual"),
    [
        (
            "halite",
            ["1 1 1", "2 0 0", "2 2 0", "3 1 1", "2 2 2", "4 0 0", "3 3 1", "4 2 0"],
        ),  # as cards of NaCl list them
        ("corundum", ["0 1 2", "1 0 4", "1 1 0", "0 0 6", "1 1 3", "2 0 2", "0 2 4", "1 1 6"]),
        ("rutile", ["1 1 0", "1 0 1", "2 0 0", "1 1 1", "2 1 0", "2 1 1", "2 2 0"]),
    ],
)
def test_indices_as_cards_write_them(name, usual):
    made = xrd.pattern(name, wavelength="CuKa1", two_theta=(20, 88), threshold=0.0)
    found = [" ".join(map(str, row)) for row in np.stack([made[index].values for index in "hkl"], axis=1).tolist()]
    assert [one for one in found if one in usual] == usual


def test_customary_indices_are_the_same_lines():
    rng = np.random.default_rng(1)
    for name in ("corundum", "ZrO2_m", "quartz", "anatase", "magnetite"):
        phase = xrd.phases(name)[0]
        hkl = rng.integers(-6, 7, (120, 3))
        hkl = hkl[np.any(hkl != 0, axis=1)].astype(np.int32)
        hkl = hkl[~reflections.operations(phase.space_group).systematic_absences(hkl)]
        other = reflections.customary(hkl, phase.space_group)
        q = [reflections.metric_parts(phase, one).sum(axis=1) for one in (hkl, other)]
        np.testing.assert_allclose(q[0], q[1], rtol=1e-12)
        atoms = structure_factors.atoms_of(phase, None)
        f = [structure_factors.squared(atoms, one, q[0]) for one in (hkl, other)]
        np.testing.assert_allclose(f[0], f[1], rtol=1e-6, atol=1e-6 * f[0].max())
        np.testing.assert_array_equal(reflections.customary(other, phase.space_group), other)


def test_bad_calls_say_what_to_do():
    with pytest.raises(errors.InputError, match="no line between"):
        xrd.pattern(one("Pb_fcc"), wavelength=WAVE, two_theta=(10, 12))
    with pytest.raises(errors.InputError, match="no rising range"):
        xrd.pattern(one("Pb_fcc"), wavelength=WAVE, two_theta=(40, 20))
    with pytest.raises(errors.InputError, match=r"eta is 2\.0\. Give a number from 0 to 1"):
        profile.Caglioti(eta=2.0)
