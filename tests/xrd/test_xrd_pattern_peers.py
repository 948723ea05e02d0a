"""Lines of every card against gemmi's and pymatgen's own structure factors, summed over the whole sphere."""

from __future__ import annotations

from dataclasses import replace

import gemmi
import numpy as np
import pytest

from surfspec.xrd.patterns.atoms import atoms_of, images
from surfspec.xrd.patterns.form_factors import anomalous
from surfspec.xrd.patterns.optics import lorentz_polarisation
from surfspec.xrd.patterns.profile import two_theta_of
from surfspec.xrd.patterns.structure_factors import lines, squared
from surfspec.xrd.patterns.wavelengths import HC
from surfspec.xrd.structures.cards import phases

WAVE = 1.5405929
CARDS = phases()


def merged(two_theta, areas, tolerance=1e-5):
    """Lines closer than a tolerance (deg) as one, at their mean."""
    order = np.argsort(two_theta)
    two_theta, areas = two_theta[order], areas[order]
    group = np.concatenate([[0], np.cumsum(np.diff(two_theta) > tolerance)])
    total = np.bincount(group, areas)
    return np.bincount(group, two_theta) / np.bincount(group), total


def differences(ours, theirs):
    """Largest distance in deg, and of the intensity in units of the strongest line, of lines above 1e-3 of it."""
    (x, y), (u, v) = ours, theirs
    y, v = y / y.max(), v / v.max()
    at, level = 0.0, 0.0
    for places, values, others, heights in ((x, y, u, v), (u, v, x, y)):
        nearest = np.abs(places[:, None] - others[None, :]).argmin(axis=1)
        strong = values > 1e-3
        at = max(at, float(np.abs(places - others[nearest])[strong].max()))
        level = max(level, float(np.abs(values - heights[nearest])[strong].max()))
    return at, level


def in_gemmi(phase):
    """The asymmetric unit as gemmi expands it by itself."""
    out = gemmi.SmallStructure()
    out.cell, out.spacegroup_hm = phase.unit_cell, phase.space_group
    for site in phase.sites:
        for symbol, share in site.species.items():
            one = gemmi.SmallStructure.Site()
            one.label, one.element, one.occ = site.label, gemmi.Element(symbol), share
            one.fract, one.u_iso = gemmi.Fractional(*site.xyz), site.b_iso / (8.0 * np.pi**2)
            out.add_site(one)
    out.determine_and_set_spacegroup("1")
    assert out.spacegroup.xhm() == phase.group.xhm()
    out.setup_cell_images()
    out.change_occupancies_to_crystallographic(max_dist=0.05)  # split sites lie closer than their 0.4 angstrom
    return out


def sphere_of_gemmi(phase, top):
    """2 theta and LP m F^2 of all indices of a sphere, Friedel mates with their own F."""
    made = in_gemmi(phase)
    one_of_each = gemmi.make_miller_array(
        phase.unit_cell, gemmi.SpaceGroup("P 1"), WAVE / 2 / np.sin(np.radians(top / 2))
    )
    real, both = (gemmi.StructureFactorCalculatorX(made.cell) for _ in range(2))
    for symbol in phase.elements:
        element, extra = gemmi.Element(symbol), anomalous(symbol, HC / WAVE)
        real.addends.set(element, extra.real)
        both.addends.set(element, extra.real + extra.imag)
    squares = np.empty(len(one_of_each))
    for i, hkl in enumerate(one_of_each.tolist()):
        p = real.calculate_sf_from_small_structure(made, hkl)
        q = both.calculate_sf_from_small_structure(made, hkl) - p
        squares[i] = abs(p + 1j * q) ** 2 + abs(p.conjugate() + 1j * q.conjugate()) ** 2
    angle = two_theta_of(phase.unit_cell.calculate_1_d2_array(one_of_each), WAVE)
    return angle, squares * lorentz_polarisation(angle)


@pytest.mark.parametrize("phase", CARDS, ids=lambda phase: phase.id)
def test_every_card_against_gemmi(phase):
    """Their symmetry, orbits and structure factors, f', f'' and displacement included; no multiplicities needed."""
    top = 60.0 if phase.volume < 1200.0 else 40.0
    found = lines(phase, WAVE, top)
    angle = two_theta_of(found.q, WAVE)
    ours = merged(angle, found.multiplicity * found.f_squared * lorentz_polarisation(angle))
    at, level = differences(ours, merged(*sphere_of_gemmi(phase, top)))
    assert at < 1e-5
    assert level < 1e-3


@pytest.fixture(scope="module")
def pymatgen():
    """Their calculator, structure class and scattering parameters."""
    xrd = pytest.importorskip("pymatgen.analysis.diffraction.xrd", reason="needs pymatgen (extra 'peers')")
    core = pytest.importorskip("pymatgen.core")
    return xrd, core


def of_pymatgen(phase, pymatgen):
    xrd, core = pymatgen
    placed = [(dict(site.species), point) for site in phase.sites for point in images(site.xyz, phase.space_group)[0]]
    lattice = core.Lattice.from_parameters(*phase.cell)
    structure = core.Structure(lattice, [one for one, _ in placed], [point for _, point in placed])
    found = xrd.XRDCalculator(wavelength=WAVE).get_pattern(structure, scaled=False, two_theta_range=(2, 50))
    return merged(np.array(found.x), np.array(found.y))


def with_their_form_factors(phase, pymatgen):
    """Our lines with their f = Z - 41.78214 s^2 sum a exp(-b s^2), neither f', f'' nor displacement."""
    table = pymatgen[0].ATOMIC_SCATTERING_PARAMS
    found = lines(phase, WAVE, 50.0)
    names = sorted(phase.elements)
    share = np.array([[site.species.get(name, 0.0) for site in phase.sites] for name in names])
    bare = replace(
        atoms_of(phase, None), b=np.zeros(4 * len(names)), c=np.zeros(share.shape[1]), b_iso=np.zeros(share.shape[1]),
        imaginary=np.zeros(share.shape[1]),
    )  # fmt: skip
    squares = np.empty(len(found.q))
    for i, q in enumerate(found.q):
        level = np.zeros((4 * len(names), share.shape[1]))
        for row, name in enumerate(names):
            a, b = np.array(table[name]).T
            f = gemmi.Element(name).atomic_number - 41.78214 * q / 4 * np.sum(a * np.exp(-b * q / 4))
            level[4 * row] = f * share[row]
        squares[i] = squared(replace(bare, a=level), found.hkl[i : i + 1], found.q[i : i + 1])[0]
    angle = two_theta_of(found.q, WAVE)
    return merged(angle, found.multiplicity * squares * lorentz_polarisation(angle))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("phase", CARDS, ids=lambda phase: phase.id)
def test_every_card_against_pymatgen(phase, pymatgen):
    """Same conventions: they have neither f', f'' nor displacement, and other form factors."""
    missing = phase.elements - set(pymatgen[0].ATOMIC_SCATTERING_PARAMS)
    if missing:
        pytest.skip(f"pymatgen has no form factor of {', '.join(missing)}")
    at, level = differences(with_their_form_factors(phase, pymatgen), of_pymatgen(phase, pymatgen))
    assert at < 1e-5
    assert level < 1e-3


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["halite", "corundum", "ZrO2_m", "Na15Pb4"])
def test_against_xrayutilities(name):
    """With f0, f', f'' of their tables, and displacement."""
    materials = pytest.importorskip("xrayutilities.materials", reason="needs xrayutilities (extra 'peers')")
    simpack = pytest.importorskip("xrayutilities.simpack")
    phase = next(one for one in CARDS if one.id == name)
    atoms, places, shares, b = [], [], [], []
    for site in phase.sites:
        for point in images(site.xyz, phase.space_group)[0]:
            for symbol, share in site.species.items():
                atoms.append(getattr(materials.elements, symbol))
                places.append(("1a", tuple(point)))
                shares.append(share)
                b.append(site.b_iso)
    a, bb, c, alpha, beta, gamma = phase.cell
    lattice = materials.SGLattice("1", a, bb, c, alpha, beta, gamma, atoms=atoms, pos=places, occ=shares, b=b)
    crystal = materials.Crystal(name, lattice)
    powder = simpack.PowderDiffraction(crystal, wl=WAVE, tt_cutoff=60.0)
    their_angle = np.array([2 * powder.data[key]["ang"] for key in powder.data])
    their_area = np.array([powder.data[key]["r"] for key in powder.data])
    found = lines(phase, WAVE, 59.9)
    angle = two_theta_of(found.q, WAVE)
    ours = merged(angle, found.multiplicity * found.f_squared * lorentz_polarisation(angle))
    inside = their_angle < 59.9
    at, level = differences(ours, merged(their_angle[inside], their_area[inside]))
    assert at < 1e-5
    assert level < 1e-3
