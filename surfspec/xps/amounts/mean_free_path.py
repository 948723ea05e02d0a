"""Inelastic mean free paths by TPP-2M and attenuation lengths by a universal curve, with their uncertainties."""

from __future__ import annotations

from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from surfspec import reference, schema
from surfspec._version import __version__
from surfspec.errors import InputError
from surfspec.reference import Material
from surfspec.xps.amounts.areas import number

Array = NDArray[np.float64]

#: Relative standard uncertainty of TPP-2M: root mean square deviation from mean free paths of optical data, 10.2 % for
#: 27 elements and 8.5 % for 14 organic compounds (Tanuma, Powell & Penn 1994), 11.0 % for ten solids (2003). For 15
#: inorganic compounds it was 18.9 %, by optical data that the authors themselves call much less reliable.
FORMULA_UNC: Final = 0.10
#: The same of S3, wider than its author's: its terms for compounds are unverified here, and against the measured
#: attenuation length of SiO2 (Seah & Spencer 2002) it is 8 % short.
S3_UNC: Final = 0.15
#: Energies in eV for which TPP-2M was fitted.
FITTED_RANGE: Final = (50.0, 2000.0)
#: Energies in eV for which lengths are given. Above the fitted range TPP-2M is extrapolated, without relativity, which
#: shortens a path by 3 % at 10 keV, (1 + E/2mc2)/(1 + E/mc2)^2: Shinotsuka et al., Surf. Interface Anal. 47 (2015) 871.
GIVEN_RANGE: Final = (50.0, 10_000.0)
#: Smallest density, mass or number of electrons of a solid.
TINY: Final = 1e-6
#: Names of the formulas: a mean free path, and an attenuation length (shorter: electrons do not fly straight).
METHODS: Final = ("TPP-2M", "S3")
#: Density (g/cm3), valence electrons, molar mass (g/mol), band gap (eV) of the average matrix of sensitivity factors.
AVERAGE_MATRIX: Final = (6.767, 4.684, 137.51, 0.0)


def tpp2m(
    energy: ArrayLike, *, density: float, molar_mass: float, valence_electrons: float, band_gap: float = 0.0
) -> Array:
    r"""Return the inelastic mean free path by the equation TPP-2M.

    .. math:: \lambda = \frac{E}{E_p^2\,[\beta \ln(\gamma E) - C/E + D/E^2]}\;\text{(angstrom)}, \quad
              U = N_v \varrho / M, \quad E_p = 28.8\,U^{1/2},

    .. math:: \beta = -0.10 + 0.944\,(E_p^2 + E_g^2)^{-1/2} + 0.069\,\varrho^{0.1}, \quad
              \gamma = 0.191\,\varrho^{-1/2}, \quad C = 1.97 - 0.91\,U, \quad D = 53.4 - 20.8\,U

    Parameters
    ----------
    energy
        Kinetic energies in eV; the equation was fitted for 50 to 2000 eV.
    density, molar_mass, valence_electrons, band_gap
        g/cm3, g/mol, electrons a formula unit, eV.

    Returns
    -------
    numpy.ndarray
        Mean free paths in nm, of the shape of `energy`.

    Raises
    ------
    InputError
        For energies that are not positive or so low that the equation gives no length, and numbers of no solid.

    References
    ----------
    Tanuma, Powell & Penn, Surf. Interface Anal. 21 (1994) 165, eqs. 3, 4b to 4e and 8.

    Examples
    --------
    >>> round(float(tpp2m(1000.0, density=2.33, molar_mass=28.0855, valence_electrons=4, band_gap=1.12)), 2)
    2.39
    """
    e = np.asarray(energy, dtype=np.float64)
    if not np.all(np.isfinite(e) & (e > 0)):
        raise InputError("a kinetic energy is not a positive number", where="energy", remedy="Give energies in eV")
    for name, value in (("density", density), ("molar_mass", molar_mass), ("valence_electrons", valence_electrons)):
        number(value, name, TINY, 1e6)
    number(band_gap, "band_gap", 0.0, 1e6, "eV")
    u = valence_electrons * density / molar_mass
    plasmon = 28.8 * np.sqrt(u)
    beta = -0.10 + 0.944 / np.hypot(plasmon, band_gap) + 0.069 * density**0.1
    c, d = 1.97 - 0.91 * u, 53.4 - 20.8 * u
    bracket = plasmon**2 * (beta * np.log(0.191 / np.sqrt(density) * e) - c / e + d / e**2)
    if not np.all(bracket > 0):
        raise InputError(
            f"TPP-2M gives no length at {float(np.min(e)):g} eV",
            where="energy",
            remedy="It was fitted for 50 to 2000 eV",
        )
    return np.asarray(0.1 * e / bracket)


def seah_s3(
    energy: ArrayLike,
    *,
    density: float,
    molar_mass: float,
    atoms: float,
    mean_atomic_number: float,
    band_gap: float = 0.0,
) -> Array:
    r"""Return the attenuation length by Seah's universal curve S3: elastic scattering is in it.

    .. math:: L = \frac{(5.8 + 0.0041\,Z^{1.7} + 0.088\,E^{0.93})\,a^{1.82}}{Z^{0.38}\,(1 - 0.02\,E_g)}\;\text{(nm)},
              \qquad a^3 = \frac{10^{21} M}{\varrho N_A n}

    Parameters
    ----------
    energy
        Kinetic energies in eV, above 100.
    density, molar_mass, atoms, mean_atomic_number, band_gap
        g/cm3, g/mol, atoms a formula unit, atomic number averaged over the atoms, eV.

    Returns
    -------
    numpy.ndarray
        Attenuation lengths in nm.

    References
    ----------
    M. P. Seah, Surf. Interface Anal. 44 (2012) 1353. The term of the band gap is unverified.

    Examples
    --------
    >>> round(float(seah_s3(1383.0, density=2.2, molar_mass=60.08, atoms=3, mean_atomic_number=10, band_gap=8.9)), 2)
    3.16
    """
    e = np.asarray(energy, dtype=np.float64)
    if not np.all(np.isfinite(e) & (e > 0)):
        raise InputError("a kinetic energy is not a positive number", where="energy", remedy="Give energies in eV")
    z = mean_atomic_number
    side = (1e21 * molar_mass / (density * reference.AVOGADRO * atoms)) ** (1 / 3)
    scale = side**1.82 / (z**0.38 * (1.0 - 0.02 * band_gap))
    return np.asarray((5.8 + 0.0041 * z**1.7 + 0.088 * e**0.93) * scale)


def lengths(material: str | Material, energy: ArrayLike, method: str = "TPP-2M") -> tuple[Array, Array]:
    r"""Return the length of a material at some energies, and its standard uncertainty, in nm.

    .. math:: u^2(\lambda) = (0.10\,\lambda)^2 + (\partial\lambda/\partial\varrho)^2 u^2(\varrho)
              + (\partial\lambda/\partial E_g)^2 u^2(E_g)

    Parameters
    ----------
    material
        Name of a shipped material, a :class:`surfspec.reference.Material`, or ``"average"``: the average matrix of
        relative sensitivity factors (TPP-2M only).
    energy
        Kinetic energies in eV.
    method
        ``"TPP-2M"`` (inelastic mean free path) or ``"S3"`` (attenuation length).

    Examples
    --------
    >>> value, unc = lengths("Na3PO4", [1000.0])
    >>> round(float(value[0]), 2), bool(unc[0] > 0.1 * value[0])
    (2.46, True)
    """
    if method not in METHODS:
        raise InputError(f"there is no formula {method!r}", where="method", remedy=f"Use one of {', '.join(METHODS)}")
    e = _energies(energy)
    if isinstance(material, str) and material == "average":
        if method != "TPP-2M":
            raise InputError("the average matrix has no attenuation length", where="method", remedy="Use TPP-2M")
        density, electrons, mass, gap = AVERAGE_MATRIX
        value = tpp2m(e, density=density, molar_mass=mass, valence_electrons=electrons, band_gap=gap)
        return value, FORMULA_UNC * value
    one = reference.material(material)
    value = _length(one, e, method, one.density, one.band_gap)
    variance = ((FORMULA_UNC if method == "TPP-2M" else S3_UNC) * value) ** 2
    for step, density, gap in (
        (one.density_unc, one.density + one.density_unc, one.band_gap),
        (one.band_gap_unc, one.density, one.band_gap + one.band_gap_unc),
    ):
        if step > 0:
            variance = variance + (_length(one, e, method, density, gap) - value) ** 2
    return value, np.sqrt(variance)


def _energies(energy: object) -> Array:
    """Return kinetic energies that the formulas hold for, shape (n,); anything else is refused."""
    low, high = GIVEN_RANGE
    remedy = f"Give a number or a list of numbers from {low:g} to {high:g} eV: TPP-2M was fitted for 50 to 2000 eV"
    try:
        e = np.atleast_1d(np.asarray(energy))
    except ValueError:  # rows of different lengths
        e = np.array([energy], dtype=object)
    if e.ndim != 1:
        raise InputError(f"energy has {e.ndim} dimensions", where="energy", remedy=remedy)
    if e.size and e.dtype.kind not in "iuf":
        raise InputError(f"energy is {energy!r}"[:120], where="energy", remedy=remedy)
    e = e.astype(np.float64)
    wrong = e[~((e >= low) & (e <= high))]
    if wrong.size:
        raise InputError(f"the formulas give no length at {wrong[0]:g} eV", where="energy", remedy=remedy)
    return e


def _length(one: Material, energy: Array, method: str, density: float, gap: float) -> Array:
    if method == "TPP-2M":
        return tpp2m(energy, density=density, molar_mass=one.molar_mass, valence_electrons=one.electrons, band_gap=gap)
    return seah_s3(
        energy,
        density=density,
        molar_mass=one.molar_mass,
        atoms=one.atoms_per_formula,
        mean_atomic_number=one.mean_atomic_number,
        band_gap=gap,
    )


def inelastic_mean_free_path(material: str | Material, energy: ArrayLike) -> xr.Dataset:
    r"""Return inelastic mean free path and attenuation length of a material against kinetic energy.

    The mean free path is that of TPP-2M; the attenuation length that of Seah's curve S3, which holds elastic
    scattering as well and is what an overlayer attenuates by. Their standard uncertainties are 10 and 15 % of them,
    and what those of density and band gap make.

    Parameters
    ----------
    material
        Name of a shipped material (:func:`surfspec.reference.material_names`) or a
        :class:`surfspec.reference.Material`.
    energy
        Kinetic energies in eV, 50 to 10000; above 2000 the attribute ``note`` says that TPP-2M is extrapolated.

    Returns
    -------
    xarray.Dataset
        Kind ``table`` over ``kinetic_energy``: ``mean_free_path`` and ``attenuation_length`` (nm) with ``_unc``.
        The attribute ``verified`` is ``"no"`` where density or band gap are estimates.

    Raises
    ------
    InputError
        For an unknown material, or energies that are no numbers or lie outside 50 to 10000 eV.

    References
    ----------
    Tanuma, Powell & Penn, Surf. Interface Anal. 21 (1994) 165; 35 (2003) 268. Seah, ibid. 44 (2012) 1353.

    Examples
    --------
    >>> table = inelastic_mean_free_path("SiO2", [1000.0, 1383.0])
    >>> table.mean_free_path.round(2).values.tolist()
    [3.01, 3.87]
    """
    e = _energies(energy)
    one = reference.material(material)
    (path, path_unc), (length, length_unc) = (lengths(one, e, method) for method in METHODS)
    nm = {"units": "nm"}
    out = xr.Dataset(
        {
            "mean_free_path": ("kinetic_energy", path, {**nm, "long_name": "Inelastic mean free path (TPP-2M)"}),
            "mean_free_path_unc": ("kinetic_energy", path_unc, {**nm, "long_name": "Standard uncertainty"}),
            "attenuation_length": ("kinetic_energy", length, {**nm, "long_name": "Attenuation length (S3)"}),
            "attenuation_length_unc": ("kinetic_energy", length_unc, {**nm, "long_name": "Standard uncertainty"}),
        },
        coords={"kinetic_energy": ("kinetic_energy", e, {"units": "eV", "long_name": "Kinetic energy"})},
    )
    out.attrs = {
        "kind": "table", "technique": "XPS", "surfspec_version": __version__, "material": one.name,
        "formula": one.formula, "density": one.density, "valence_electrons": one.electrons, "band_gap": one.band_gap,
        "verified": "yes" if one.verified else "no", "source": one.source,
    }  # fmt: skip
    if np.any((e < FITTED_RANGE[0]) | (e > FITTED_RANGE[1])):
        out.attrs["note"] = "TPP-2M was fitted for 50 to 2000 eV; above it is extrapolated, 3 % too long at 10 keV"
    return schema.check(out, "table")
