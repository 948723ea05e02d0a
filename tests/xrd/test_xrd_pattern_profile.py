"""Line shapes, optics and specimens against convolutions, geometry and closed formulas."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.special import voigt_profile

from surfspec import errors, schema, xrd
from surfspec.xrd.patterns import axial, broadening, optics, profile, texture, thompson
from surfspec.xrd.patterns.calculated import pattern
from surfspec.xrd.patterns.intensities import intensity
from surfspec.xrd.patterns.optics import overspill_factor
from surfspec.xrd.patterns.structure_factors import lines
from surfspec.xrd.patterns.wavelengths import TUNGSTEN, radiation
from surfspec.xrd.structures.cards import phases
from surfspec.xrd.structures.phase import Phase, Site

WAVE = 1.5405929


def one(name):
    return phases([name])[0]


# --- Thompson, Cox and Hastings -------------------------------------------------------------------------------------


@pytest.mark.parametrize("lorentz", [0.0, 0.01, 0.05, 0.1, 0.3, 1.0])
def test_thompson_cox_hastings_against_the_convolution(lorentz):
    """The published polynomial gives the FWHM of the Voigt function to 0.5 %, the line to 1.3 % of its height."""
    gauss = 0.1
    fwhm, eta = thompson.mix(np.array([gauss]), np.array([lorentz]))
    x = np.linspace(-8 * fwhm[0], 8 * fwhm[0], 40001)
    exact = voigt_profile(x, gauss / np.sqrt(8 * np.log(2)), lorentz / 2)
    half = x[exact >= exact.max() / 2]
    assert half[-1] - half[0] == pytest.approx(fwhm[0], rel=5e-3)
    ours = profile.pseudo_voigt(x, fwhm, eta)
    assert np.abs(ours - exact).max() < 0.013 * exact.max()


def test_thompson_cox_hastings_limits_and_derivatives():
    fwhm, eta = thompson.mix(np.array([0.2, 0.0]), np.array([0.0, 0.3]))
    assert fwhm == pytest.approx([0.2, 0.3])
    assert eta == pytest.approx([0.0, 1.0])
    for at in (np.array([0.1, 0.03]), np.array([0.02, 0.2])):
        found = [float(v[0]) for v in thompson.mix_derivatives(at[:1], at[1:])]
        for value, slopes in ((0, found[2:4]), (1, found[4:6])):
            numeric = approx_fprime(at, lambda p, v=value: float(thompson.mix(p[:1], p[1:])[v][0]), 1e-8)
            assert np.allclose(slopes, numeric, rtol=1e-5, atol=1e-6)


def test_unmix_inverts_mix():
    gauss, lorentz = np.array([0.1, 0.05, 0.001, 0.2, 0.3]), np.array([0.001, 0.05, 0.1, 0.0, 0.3])
    fwhm, eta = thompson.mix(gauss, lorentz)
    g, l = thompson.unmix(fwhm, eta)  # noqa: E741
    assert np.allclose(g[[0, 1, 3, 4]], gauss[[0, 1, 3, 4]], rtol=1e-7)
    assert np.allclose(l, lorentz, rtol=1e-7, atol=1e-12)
    again = thompson.mix(*thompson.unmix(fwhm, eta))
    assert np.allclose(again[0], fwhm, rtol=1e-6)


def test_thompson_widths_by_hand():
    shape = thompson.Thompson(u=0.01, v=-0.005, w=0.004, x=0.03, y=0.05, p=0.002)
    angle = np.array([40.0, 100.0])
    t, c = np.tan(np.radians(angle / 2)), np.cos(np.radians(angle / 2))
    assert np.allclose(shape.gaussian(angle) ** 2, 0.01 * t**2 - 0.005 * t + 0.004 + 0.002 / c**2)
    assert np.allclose(shape.lorentzian(angle), 0.03 / c + 0.05 * t)
    for at in angle:
        assert shape.at_most(at) >= shape.shape(np.array([at]))[0][0]


# --- size and strain ------------------------------------------------------------------------------------------------


def test_size_and_strain_widen_as_scherrer_and_stokes_say():
    """Lorentzian widths add; the pattern's lines have the width of the sum, drawn and measured at half height."""
    x = np.arange(36.0, 39.0, 0.0005)
    sharp = profile.Caglioti(0.0, 0.0, 1e-6, 1.0)  # a Lorentzian of 0.001 deg
    y = intensity(one("LaB6"), x, wavelength=WAVE, profile=sharp, size=20.0, strain=0.002)
    theta = np.radians(x[y.argmax()] / 2)
    want = np.degrees(0.9 * 0.15405929 / (20.0 * np.cos(theta)) + 4 * 0.002 * np.tan(theta)) + 0.001
    above = x[y >= y.max() / 2]
    assert above[-1] - above[0] == pytest.approx(want, rel=0.01)


def test_broadening_keeps_the_gaussian_part():
    fwhm, eta = thompson.mix(np.array([0.1]), np.array([0.02]))
    wide, share = broadening.broaden(fwhm, eta, np.array([0.08]))
    want, eta_want = thompson.mix(np.array([0.1]), np.array([0.1]))
    assert wide == pytest.approx(want, rel=1e-7)
    assert share == pytest.approx(eta_want, rel=1e-7)


# --- axial divergence -----------------------------------------------------------------------------------------------


def simulated_rays(two_theta, sample, detector, edges, count=1_000_000):
    """Histogram of 2 phi of rays between all heights of specimen and slit, weighted as the cone meets the cylinder.

    A point at height s and a slit point at height d differ by h; the ray has cos 2theta = cos 2phi / sqrt(1 + h^2).
    """
    chance = np.random.default_rng(5)
    h = np.abs(sample * chance.uniform(-1, 1, count) - detector * chance.uniform(-1, 1, count))
    cosine = np.cos(np.radians(two_theta)) * np.sqrt(1 + h**2)
    there = np.abs(cosine) < 1
    angle = np.degrees(np.arccos(cosine[there]))
    weight = 1.0 / ((1 + h[there] ** 2) * np.sin(np.radians(angle)))
    return np.histogram(angle, edges, weights=weight / weight.sum())[0]


@pytest.mark.parametrize(
    ("two_theta", "sample", "detector"),
    [(8.0, 0.03, 0.03), (20.0, 0.04, 0.02), (20.0, 0.02, 0.04), (3.0, 0.05, 0.05), (150.0, 0.04, 0.03)],
)
def test_axial_parts_against_rays(two_theta, sample, detector):
    """Shares of the line below each angle agree with those of a million rays."""
    angles, weights = axial.axial_split(np.array([two_theta]), axial.Axial(sample, detector), points=256)
    assert weights.sum() == pytest.approx(1.0)
    edges = np.linspace(min(angles.min(), two_theta) - 1e-6, max(angles.max(), two_theta) + 1e-6, 40)
    ours = np.histogram(angles[0], edges, weights=weights[0])[0].cumsum()
    theirs = simulated_rays(two_theta, sample, detector, edges).cumsum()
    assert np.abs(ours - theirs).max() < 0.01


def paper_density(two_phi, two_theta, sample, detector):
    """D(2 phi, 2 theta) as Finger, Cox and Jephcoat (1994) write it, L = 1, without its normalisation."""
    a, b = np.cos(np.radians(two_phi)), np.cos(np.radians(two_theta))
    h = np.sqrt(np.maximum(a**2 / b**2 - 1, 0))
    w = np.where(h < abs(sample - detector), 2 * min(sample, detector), np.maximum(sample + detector - h, 0.0))
    return w / (h * a)


def test_axial_lines_against_integration_of_the_published_density():
    """The drawn line is the published density folded with the pseudo-Voigt, in 2 phi and with its pole."""
    two_theta, sample, detector = 12.0, 0.035, 0.025
    end = np.degrees(np.arccos(np.cos(np.radians(two_theta)) * np.hypot(1, sample + detector)))
    t = (np.arange(4000) + 0.5) / 4000
    two_phi = two_theta - (two_theta - end) * t**2  # squares take away the pole at 2 theta
    density = paper_density(two_phi, two_theta, sample, detector) * t
    x = np.arange(10.5, 13.0, 0.005)
    line = profile.pseudo_voigt(x[:, None] - two_phi, np.array(0.06), 0.4) @ density / density.sum()
    places, weights = axial.axial_split(np.array([two_theta]), axial.Axial(sample, detector))
    ours = profile.pseudo_voigt(x[:, None] - places[0], np.array(0.06), 0.4) @ weights[0]
    assert np.abs(ours - line).max() < 1e-3 * line.max()


def test_axial_limits():
    places, weights = axial.axial_split(np.array([20.0, 90.0]), axial.Axial(0.0, 0.0))
    assert places.ravel().tolist() == [pytest.approx(20.0), pytest.approx(90.0)]
    assert weights.ravel().tolist() == [1.0, 1.0]
    places, _ = axial.axial_split(np.array([90.0, 120.0]), axial.Axial(0.05, 0.05))
    assert np.allclose(places[0], 90.0)
    assert places[1].min() >= 120.0 - 1e-9
    small = axial.axial_split(np.array([20.0]), axial.Axial(1e-6, 0.0))
    assert np.allclose(small[0], 20.0, atol=1e-6)


def test_axial_pattern_keeps_the_area_and_leans_to_low_angles():
    x = np.arange(5.0, 40.0, 0.005)
    muscovite = one("muscovite")
    plain = pattern(muscovite, wavelength=WAVE, two_theta=x)
    leaning = pattern(muscovite, wavelength=WAVE, two_theta=x, axial=(0.04, 0.04))
    window = (x > 7.5) & (x < 10.0)
    areas = [np.trapezoid(one_.intensity.values[window], x[window]) for one_ in (plain, leaning)]
    assert areas[1] == pytest.approx(areas[0], rel=2e-3)
    middles = [np.average(x[window], weights=one_.intensity.values[window]) for one_ in (plain, leaning)]
    angle = np.radians(plain.reflection_two_theta.values[0])
    # mean of h^2 over the triangle of equal heights is (2 S)^2 / 6; the line moves by half of it over tan 2 theta
    assert middles[0] - middles[1] == pytest.approx(np.degrees(0.08**2 / 6 / 2 / np.tan(angle)), rel=0.1)


# --- texture --------------------------------------------------------------------------------------------------------


def test_march_dollase_has_the_mean_one_over_the_sphere():
    """Integral of P over the cosine from 0 to 1, by quadrature."""
    nodes, weights = np.polynomial.legendre.leggauss(400)
    cosine = 0.5 * (nodes + 1)
    for r in (0.3, 0.7, 1.0, 1.5):
        factor, _ = texture.march_factor((cosine**2)[:, None], r)
        assert 0.5 * weights @ factor == pytest.approx(1.0, abs=1e-9)


def test_march_dollase_closed_formulas():
    """Parallel r^-3, perpendicular r^(3/2); a cubic (100) texture mixes both for (200): (r^-3 + 2 r^1.5) / 3."""
    r = 0.6
    hexagonal = texture.march_dollase([[0, 0, 2], [1, 0, 0], [1, 1, 0]], one("ZnO"), direction=(0, 0, 1), r=r)
    assert np.allclose(hexagonal, [r**-3, r**1.5, r**1.5])
    cubic = texture.march_dollase([[2, 0, 0]], one("halite"), direction=(1, 0, 0), r=r)
    assert cubic[0] == pytest.approx((r**-3 + 2 * r**1.5) / 3)
    octahedral = texture.march_dollase([[1, 1, 1]], one("halite"), direction=(1, 1, 1), r=r)
    assert octahedral[0] == pytest.approx((r**-3 + 3 * (r * r / 9 + 8 / 9 / r) ** -1.5) / 4)


def test_march_dollase_derivative():
    cosines = np.random.default_rng(1).random((5, 6))
    _, slope = texture.march_factor(cosines, 0.7)
    step = 1e-6
    numeric = (texture.march_factor(cosines, 0.7 + step)[0] - texture.march_factor(cosines, 0.7 - step)[0]) / (2 * step)
    assert np.allclose(slope, numeric, rtol=1e-7)
    assert np.allclose(texture.march_factor(cosines, 1.0)[0], 1.0)


@pytest.mark.parametrize("name", ["calcite", "ZrO2_m", "quartz", "NZSP_R3c", "SnO2"])
def test_texture_averages_over_the_images_that_gemmi_lists(name):
    phase = one(name)
    found = lines(phase, WAVE, 45.0)
    metric = np.linalg.inv(np.array(phase.unit_cell.orth.mat.tolist()).T @ np.array(phase.unit_cell.orth.mat.tolist()))
    axis, r, want = np.array([1.0, 0.0, 2.0]), 0.55, []
    for hkl in found.hkl.tolist():
        forms = {tuple(op.apply_to_hkl(hkl)) for op in phase.group.operations().sym_ops}
        vectors = np.array(sorted(forms | {tuple(-i for i in one_) for one_ in forms}), dtype=float)
        dots = (vectors @ metric @ axis) ** 2 / (
            (axis @ metric @ axis) * np.einsum("ni,ij,nj->n", vectors, metric, vectors)
        )
        want.append(np.mean((r * r * dots + (1 - dots) / r) ** -1.5))
    assert np.allclose(texture.march_dollase(found.hkl, phase, direction=(1, 0, 2), r=r), want, rtol=1e-10)


# --- optics, radiation ----------------------------------------------------------------------------------------------


def test_variable_slit_is_the_sine_of_theta():
    fixed = pattern(one("corundum"), wavelength=WAVE, scale=1.0)
    open_ = pattern(one("corundum"), wavelength=WAVE, scale=1.0, slit="variable")
    sine = np.sin(np.radians(fixed.reflection_two_theta.values / 2))
    ratio = open_.area.values[:, None] / fixed.area.values
    shared = np.isin(open_.d.values, fixed.d.values)
    which = np.searchsorted(-fixed.d.values, -open_.d.values[shared])
    assert np.allclose(ratio[shared, :][np.arange(which.size), which], sine[which])


def test_monochromators():
    """(1 + A cos^2) over (1 + A): mosaic A = cos^2 2theta_M, perfect A = |cos 2theta_M|."""
    angle, c2 = np.array([50.0]), np.cos(np.radians(50.0)) ** 2
    for perfect, a in ((False, np.cos(np.radians(27.3)) ** 2), (True, np.cos(np.radians(27.3)))):
        found = optics.Optics(27.3, perfect=perfect).factor(angle) / optics.lorentz_polarisation(angle)
        assert found[0] == pytest.approx((1 + a * c2) / (1 + a) / ((1 + c2) / 2))


def test_shifts_in_mm_and_by_transparency():
    """A specimen 0.1 mm too low at R = 200 mm: -2 s cos(theta) / R in radians."""
    delta = optics.displacement_to_degrees(0.1, radius=200.0)
    assert optics.displacement_to_mm(delta, radius=200.0) == pytest.approx(0.1)
    angle = np.array([30.0])
    moved = profile.shift(angle, 0.0, delta)
    assert moved[0] - 30.0 == pytest.approx(np.degrees(-2 * 0.1 * np.cos(np.radians(15.0)) / 200.0))
    t = optics.transparency_to_degrees(20.0, radius=200.0)  # 20 per cm: 1/(2 mu R) = 1 / 800
    assert profile.shift(angle, 0.0, 0.0, t)[0] - 30.0 == pytest.approx(-np.degrees(np.sin(np.radians(30.0)) / 800.0))


def test_k_beta_and_tungsten_lines():
    """Ghosts of the strongest line at 2 asin(lambda / 2 d), with the asked ratio of areas over the own LP."""
    x = np.arange(20.0, 50.0, 0.005)
    sharp = profile.Caglioti(0.0, 0.0, 0.0016, 0.0)
    silicon = one("Si")
    y = pattern(silicon, wavelength="CuKa1", two_theta=x, profile=sharp, k_beta=0.02, tungsten=0.01).intensity.values
    d = silicon.cell[0] / np.sqrt(3)
    areas = []
    for wave in (WAVE, 1.392234, TUNGSTEN):
        place = 2 * np.degrees(np.arcsin(wave / 2 / d))
        near = np.abs(x - place) < 0.3
        assert x[near][y[near].argmax()] == pytest.approx(place, abs=0.004)
        areas.append(np.trapezoid(y[near], x[near]) / optics.lorentz_polarisation(np.array([place]))[0])
    assert areas[1] / areas[0] == pytest.approx(0.02, rel=0.02)  # f' and f'' differ a little at 8905 eV
    assert areas[2] / areas[0] == pytest.approx(0.01, rel=0.02)
    assert abs(TUNGSTEN - 1.4764) < 1e-4


def test_satellites_need_a_name():
    assert radiation("CuKb").wavelengths == (1.392234,)
    both = radiation("CoKa", k_beta=0.1)
    assert both.satellites == (False, False, True)
    assert sum(both.weights) == pytest.approx(1.0)
    assert both.weights[2] / both.weights[0] == pytest.approx(0.1)
    with pytest.raises(errors.InputError, match="not known"):
        radiation(0.7, k_beta=0.1)
    with pytest.raises(errors.InputError, match=r"k_beta is 2\.0"):
        radiation("CuKa", k_beta=2.0)


@pytest.mark.parametrize("anode", ["Cr", "Fe", "Co", "Cu", "Mo", "Ag"])
def test_every_anode_draws_its_doublet(anode):
    light = radiation(f"{anode}Ka")
    silicon = one("Si")
    d = silicon.cell[0] / np.sqrt(3)
    want = [2 * np.degrees(np.arcsin(wave / 2 / d)) for wave in light.wavelengths]
    found = pattern(silicon, wavelength=light, two_theta=(want[0] - 1, want[0] + 1))
    assert found.reflection_two_theta.values[0] == pytest.approx(want[0], abs=1e-9)
    assert light.satellites == (False, False)


# --- certified lattices ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edge", "group", "sites", "table"),
    [
        # SRM 640c: a = 5.4311946 angstrom and its table of angles for 1.5405929 angstrom
        (5.4311946, "F d -3 m:1", [("Si", (0, 0, 0))],
         {3: 28.441, 8: 47.300, 11: 56.120, 16: 69.126, 19: 76.372, 24: 88.025, 27: 94.947, 32: 106.701}),
        # SRM 660c: a = 4.156826 angstrom, angles from Bragg's law for h^2 + k^2 + l^2
        (4.156826, "P m -3 m", [("La", (0, 0, 0)), ("B", (0.1997, 0.5, 0.5))],
         {1: None, 2: None, 3: None, 5: None, 14: None}),
    ],
    ids=["SRM 640c", "SRM 660c"],
)  # fmt: skip
def test_standards(edge, group, sites, table):
    made = tuple(Site(f"{name}{i}", {name: 1.0}, xyz, 0.5) for i, (name, xyz) in enumerate(sites))
    phase = Phase("standard", "standard", "X", group, (edge, edge, edge, 90.0, 90.0, 90.0), made, "certificate", "B")
    found = pattern(phase, wavelength="CuKa1", two_theta=(10, 120), threshold=0.0)
    norm = found.h.values**2 + found.k.values**2 + found.l.values**2
    for number, angle in table.items():
        place = found.reflection_two_theta.values[norm == number]
        law = 2 * np.degrees(np.arcsin(WAVE * np.sqrt(number) / 2 / edge))
        assert place == pytest.approx(law, abs=1e-9)
        if angle is not None:
            assert place == pytest.approx(angle, abs=0.0011)


# --- the whole ------------------------------------------------------------------------------------------------------


def test_a_pattern_with_everything_is_valid_data():
    x = np.arange(15.0, 60.0, 0.02)
    made = pattern(
        one("ZrO2_m"), wavelength="CoKa", two_theta=x, profile=thompson.Thompson(), monochromator=31.0, slit="variable",
        k_beta=0.01, tungsten=0.002, texture=(0.8, (1, 0, 0)), size=40.0, strain=1e-3, axial=(0.02, 0.02), zero=0.02,
        displacement=-0.03, transparency=-0.01,
    )  # fmt: skip
    schema.check(made)
    assert made.attrs["simulated"] == "true"
    assert np.all(made.intensity.values > 0)


@pytest.mark.parametrize(("reach", "lost"), [(12.0, 0.0265), (60.0, 0.0053)])
def test_reach_cuts_off_what_a_lorentzian_has_outside(reach, lost):
    """1 - 2/pi arctan(2 reach) of its area."""
    x = np.arange(15.0, 45.0, 0.002)
    line = profile.draw(x, np.array([30.0]), np.array([1.0]), np.array([0.1]), 1.0, reach)
    assert 1 - 2 / np.pi * np.arctan(2 * reach) == pytest.approx(lost, rel=0.01)
    assert 1 - np.trapezoid(line, x) == pytest.approx(lost, rel=0.02)


def test_lines_beyond_the_end_of_the_grid_reach_in():
    """The first line of halite lies at 27.37 deg; a grid that ends at 27.2 sees its flank."""
    whole = np.arange(20.0, 35.0, 0.01)
    part = whole[(whole > 26.0) & (whole < 32.0)]
    y = intensity(one("halite"), whole, wavelength=WAVE)
    z = intensity(one("halite"), part, wavelength=WAVE)
    assert np.allclose(z, y[(whole > 26.0) & (whole < 32.0)], rtol=1e-10)
    cut = whole[whole < 27.2]
    seen = cut > 26.6  # within eight FWHM; farther out the lines of either grid end at other points
    assert np.allclose(intensity(one("halite"), cut, wavelength=WAVE)[seen], y[whole < 27.2][seen], rtol=1e-10)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"size": -1.0}, "size"),
        ({"strain": -0.1}, "strain"),
        ({"slit": "odd"}, "slit"),
        ({"axial": (2.0, 0.0)}, "S/L"),
        ({"texture": (0.0, (0, 0, 1))}, "March"),
        ({"texture": (0.5, (0, 0, 0))}, "hkl"),
        ({"engine": "fast"}, "engine"),
        ({"monochromator": 200.0}, "monochromator"),
        ({"profile": thompson.Thompson(u=0.0, v=-0.1, w=0.0)}, "negative"),
    ],
)
def test_impossible_parameters_are_refused(arguments, says):
    with pytest.raises(errors.InputError, match=says):
        pattern(one("halite"), wavelength=WAVE, two_theta=np.arange(20.0, 40.0, 0.02), **arguments)


def test_overspill_is_the_covered_share_of_the_beam():
    """Against the integral over strips of the round specimen, and its derivative against differences."""
    u = (np.arange(200000) + 0.5) / 200000
    angle = np.array([8.0, 20.0, 23.5, 40.0, 90.0, 150.0])
    factor, slope = overspill_factor(angle, 0.2)
    for value, at in zip(factor, angle, strict=True):
        s = np.sin(np.radians(at) / 2.0) / 0.2
        assert value == pytest.approx(np.mean(np.minimum(1.0, s * np.sqrt(1.0 - u * u))), abs=1e-6)
    numeric = (overspill_factor(angle, 0.2 + 1e-6)[0] - overspill_factor(angle, 0.2 - 1e-6)[0]) / 2e-6
    np.testing.assert_allclose(slope, numeric, atol=1e-6)
    assert np.all(overspill_factor(angle, 0.0)[0] == 1.0)


def test_each_line_of_a_doublet_has_the_polarisation_of_its_own_angle():
    phase = xrd.phases(["Si"])[0]
    x, narrow = np.arange(130.0, 142.0, 0.002), xrd.Caglioti(0.0, 0.0, 0.0025, 0.0)
    both = xrd.pattern(phase, wavelength="CuKa", two_theta=x, scale=1.0, profile=narrow).intensity.values
    light = xrd.radiation("CuKa")
    d = float(xrd.pattern(phase, wavelength="CuKa1", two_theta=(130.0, 140.0)).d.values[0])
    first, second = (2.0 * np.degrees(np.arcsin(wave / (2.0 * d))) for wave in light.wavelengths)
    split = 0.5 * (first + second)
    near, far = np.sum(both[x < split]), np.sum(both[(x >= split) & (x < second + 1.0)])

    def lp(angle):
        theta = np.radians(angle) / 2.0
        return (1.0 + np.cos(2.0 * theta) ** 2) / (np.sin(theta) ** 2 * np.cos(theta))

    assert far / near == pytest.approx(light.weights[1] / light.weights[0] * lp(second) / lp(first), rel=5e-4)
