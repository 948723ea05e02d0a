r"""Elastic and inelastic binary collisions, exact and non-relativistic.

An ion of mass :math:`M_1` and energy :math:`E_0` that is scattered through the laboratory angle
:math:`\theta` by an atom of mass :math:`M_2 = A M_1` keeps the fraction

.. math:: K = E_1/E_0 = \left[\frac{\cos\theta \pm \sqrt{A^2 - \sin^2\theta - A(1+A)Q/E_0}}{1+A}\right]^2

of its energy, where `Q` is the energy lost to excitation (Niehus, Heiland and Taglauer, Surf. Sci. Rep. 17
(1993) 213). A root exists only where the bracket, the velocity after the collision in units of that before,
is real and positive; everywhere else the answer is NaN. (Squaring a negative bracket gives a ghost peak.)
For :math:`A < 1` both signs can be real peaks.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from surfspec.errors import GeometryError, InputError
from surfspec.given import number
from surfspec.leis.collisions import isotopes as iso

Branch = Literal["high", "low"]

#: A velocity below this fraction of the incident one is rounding, not a peak.
SMALLEST_VELOCITY = 1e-12
#: Smallest and largest ion energy, eV; non-relativistic collisions of two free bodies hold well between them only.
LOWEST_ENERGY, HIGHEST_ENERGY = 1e-3, 1e7
#: Ion energy below which nobody measures single scattering, and a number is rather one in keV, eV.
LOWEST_BEAM = 100.0


def check_geometry(energy: float, angle: float, *, lowest: float = LOWEST_ENERGY) -> None:
    """Raise unless `energy` (eV) is positive, `lowest` at least, and `angle` (deg) lies in (0, 180].

    Raises
    ------
    GeometryError
        Naming the value and the range.

    Examples
    --------
    >>> check_geometry(3000.0, 145.0)
    """
    try:
        number(energy, "energy", low=LOWEST_ENERGY, high=HIGHEST_ENERGY)
    except InputError as error:
        raise GeometryError(
            f"ion {error.message}",
            where="energy",
            remedy=f"Give the ion energy in eV, above 0 and up to {HIGHEST_ENERGY:g}",
        ) from None
    if energy < lowest:
        raise GeometryError(
            f"ion energy is {float(energy):g} eV, too low for ion scattering",
            where="energy",
            remedy=f"Is it in keV? Give eV: {1000.0 * float(energy):g}",
        )
    try:
        number(angle, "angle", low=0.0, high=180.0, above=True)
    except InputError as error:
        raise GeometryError(
            f"scattering {error.message}",
            where="angle",
            remedy="Give the angle between incident and detected direction in degrees, above 0 and up to 180",
        ) from None


def _sign(branch: Branch) -> float:
    if not isinstance(branch, str) or branch not in ("high", "low"):
        raise InputError(f"unknown branch {branch!r}", where="branch", remedy="Use 'high' or 'low'")
    return 1.0 if branch == "high" else -1.0


def _velocity(
    mass_ratio: ArrayLike, angle: ArrayLike, loss_fraction: ArrayLike, sign: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the velocity ratio after the collision (NaN where there is none) and the square root in it."""
    A = np.asarray(mass_ratio, dtype=np.float64)
    t = np.radians(np.asarray(angle, dtype=np.float64))
    q = np.asarray(loss_fraction, dtype=np.float64)
    inside = A**2 - np.sin(t) ** 2 - A * (1.0 + A) * q
    root = np.sqrt(np.where(inside >= 0, inside, np.nan))
    velocity = (np.cos(t) + sign * root) / (1.0 + A)
    real = np.isfinite(velocity) & (velocity > SMALLEST_VELOCITY) & (A > 0)
    return np.where(real, velocity, np.nan), np.asarray(root)


def kinematic_factor(
    mass_ratio: ArrayLike, angle: ArrayLike, *, loss_fraction: ArrayLike = 0.0, branch: Branch = "high"
) -> NDArray[np.float64]:
    r"""Energy after a binary collision over the energy before, :math:`K = E_1/E_0`.

    Parameters
    ----------
    mass_ratio
        :math:`A = M_2/M_1`, any shape, 1.
    angle
        Laboratory scattering angle, deg; broadcast with `mass_ratio`.
    loss_fraction
        :math:`Q/E_0`, inelastic loss over incident energy, 1.
    branch
        ``"high"`` for the + root, ``"low"`` for the - root (exists for A < 1 and small angles).

    Returns
    -------
    numpy.ndarray
        `K`, broadcast shape, 1; NaN where the scattering is forbidden.

    References
    ----------
    Niehus, Heiland and Taglauer, Surf. Sci. Rep. 17 (1993) 213.

    Examples
    --------
    >>> round(float(kinematic_factor(1.0, 60.0)), 4)
    0.25
    >>> kinematic_factor([0.8, 4.0], 145.0).round(4).tolist()
    [nan, 0.3943]
    """
    velocity, _ = _velocity(mass_ratio, angle, loss_fraction, _sign(branch))
    return np.asarray(velocity**2)


def angle_dispersion(
    mass_ratio: ArrayLike, angle: ArrayLike, *, loss_fraction: ArrayLike = 0.0, branch: Branch = "high"
) -> NDArray[np.float64]:
    r"""Relative change of energy with angle, :math:`(dE_1/d\theta)/E_0 = \mp 2 K \sin\theta/\sqrt{\dots}`.

    Parameters
    ----------
    mass_ratio, angle, loss_fraction, branch
        As for :func:`kinematic_factor`.

    Returns
    -------
    numpy.ndarray
        Per **degree**; NaN where the scattering is forbidden. Multiply by :math:`E_0` for eV/deg.

    Examples
    --------
    >>> from surfspec.leis.collisions.isotopes import ion, isotopes
    >>> ratio = isotopes("16O").mass / ion("4He").mass
    >>> (3000 * angle_dispersion(ratio, 145.0)).round(3).tolist()
    [-5.982]
    """
    sign = _sign(branch)
    velocity, root = _velocity(mass_ratio, angle, loss_fraction, sign)
    sine = np.sin(np.radians(np.asarray(angle, dtype=np.float64)))
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = -sign * 2.0 * velocity**2 * sine / root
    return np.asarray(slope * np.pi / 180.0)


def mass_dispersion(mass_ratio: ArrayLike, angle: ArrayLike) -> NDArray[np.float64]:
    r"""Relative change of K with the mass ratio, :math:`d\ln K/dA = 2[A/(S(\cos\theta+S)) - 1/(1+A)]`.

    Here :math:`S = \sqrt{A^2-\sin^2\theta}` (elastic, high branch). Times :math:`E_1/M_1` it is eV per u.

    Parameters
    ----------
    mass_ratio, angle
        As for :func:`kinematic_factor`.

    Returns
    -------
    numpy.ndarray
        1; NaN where the scattering is forbidden.

    Examples
    --------
    >>> mass_dispersion(4.0, 145.0).round(4).tolist()
    0.2437
    """
    velocity, root = _velocity(mass_ratio, angle, 0.0, 1.0)
    A = np.asarray(mass_ratio, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = 2.0 * (A / (root * velocity * (1.0 + A)) - 1.0 / (1.0 + A))
    return np.asarray(slope)


def target_mass(
    scattered_energy: ArrayLike, *, ion: str = "4He", energy: float = 3000.0, angle: float = 145.0, loss: float = 0.0
) -> NDArray[np.float64]:
    r"""Mass of the atom that scattered an ion to a given energy (the inverse of the kinematics).

    .. math:: M_2/M_1 = \frac{1 + K - 2\sqrt K\cos\theta}{1 - K - Q/E_0}

    Parameters
    ----------
    scattered_energy
        :math:`E_1`, any shape, eV.
    ion, energy, angle
        Projectile, its energy (eV) and the scattering angle (deg).
    loss
        Inelastic loss `Q`, eV.

    Returns
    -------
    numpy.ndarray
        Mass in u; NaN for an energy that no target can give.

    Raises
    ------
    GeometryError, InputError
        For an impossible geometry or an unknown ion.

    Examples
    --------
    >>> target_mass(2551.14).round(1).tolist()
    89.9
    """
    check_geometry(energy, angle)
    loss = number(loss, "loss", low=0.0, high=HIGHEST_ENERGY)
    try:
        K = np.asarray(scattered_energy, dtype=np.float64) / energy
    except (TypeError, ValueError, OverflowError):
        raise InputError(
            "scattered_energy holds no numbers", where="scattered_energy", remedy="Give one energy or an array, eV"
        ) from None
    possible = (K >= 0) & (1.0 - K - loss / energy > 0)
    K = np.where(possible, K, np.nan)
    return np.asarray(
        iso.ion(ion).mass * (1.0 + K - 2.0 * np.sqrt(K) * np.cos(np.radians(angle))) / (1.0 - K - loss / energy)
    )


def isotope_energies(
    element: str,
    *,
    ion: str = "4He",
    energy: float = 3000.0,
    angle: float = 145.0,
    loss: float = 0.0,
    branch: Branch = "high",
) -> NDArray[np.float64]:
    """Energies of single scattering from each isotope of `element`, in the order of ``isotopes(element)``.

    Parameters
    ----------
    element
        Symbol or isotope.
    ion, energy, angle
        Projectile, its energy (eV) and the scattering angle (deg).
    loss
        Inelastic loss `Q` in the collision, eV.
    branch
        Which root, see :func:`kinematic_factor`.

    Returns
    -------
    numpy.ndarray
        Shape (isotopes,), eV; NaN for an isotope that cannot scatter into this angle.

    Raises
    ------
    GeometryError, InputError
        For an impossible geometry, an unknown ion or element.

    Examples
    --------
    >>> isotope_energies("Si").round(2).tolist()
    [1775.88, 1808.76, 1839.87]
    """
    check_geometry(energy, angle)
    loss = number(loss, "loss", low=0.0, high=HIGHEST_ENERGY)
    ratio = iso.isotopes(element).mass / iso.ion(ion).mass
    return energy * kinematic_factor(ratio, angle, loss_fraction=loss / energy, branch=branch)


def elastic_energy(
    element: str,
    *,
    ion: str = "4He",
    energy: float = 3000.0,
    angle: float = 145.0,
    loss: float = 0.0,
    branch: Branch = "high",
) -> float:
    r"""Energy of ions scattered once by `element`, averaged over its isotopes, :math:`\sum_i f_i E_i/\sum_i f_i`.

    Parameters
    ----------
    element
        ``"Zr"`` for the element, ``"90Zr"`` for one isotope.
    ion, energy, angle
        Projectile, its energy (eV) and the scattering angle (deg).
    loss
        Inelastic loss `Q` in the collision, eV. Not a constant offset: 20 eV shift O by -12.7 and Zr by -18.5 eV.
    branch
        ``"high"`` or ``"low"``: for a target lighter than the ion both can exist.

    Returns
    -------
    float
        eV; NaN where no isotope can scatter into this angle. Forbidden isotopes are left out of the mean.

    Raises
    ------
    GeometryError, InputError
        For an impossible geometry, an unknown ion or element.

    Examples
    --------
    >>> import surfspec as ss
    >>> round(ss.leis.elastic_energy("Zr", ion="4He", energy=3000, angle=145), 2)
    2557.01
    >>> ss.leis.elastic_energy("O", ion="20Ne", energy=5000, angle=145)
    nan
    """
    values = isotope_energies(element, ion=ion, energy=energy, angle=angle, loss=loss, branch=branch)
    real = np.isfinite(values)
    if not np.any(real):
        return float("nan")
    return float(np.average(values[real], weights=iso.isotopes(element).abundance[real]))
