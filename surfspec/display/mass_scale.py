"""Mass of the atom that scattered an ion, as a second scale of an energy axis."""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import periodictable
import xarray as xr
from matplotlib.axes import Axes
from numpy.typing import NDArray

from surfspec.display import style
from surfspec.errors import InputError

Array = NDArray[np.float64]

#: Masses in u that may be written at the scale; of those that lie too near to each other the rounder ones are kept.
ROUND: Final = (10, 20, 50, 100, 200, 30, 15, 40, 5, 70, 25, 12, 150, 60, 80, 35, 16, 120, 7, 8, 9, 6, 14, 18)
#: Smallest distance of two numbers, in parts of the axis.
APART: Final = 0.065
ELECTRON: Final = 0.000548579909  # u, CODATA 2018
_ION: Final = re.compile(r"(\d*)([A-Z][a-z]?)(\d*)\+*")


def ion_mass(ion: str) -> float:
    """Mass of a projectile in u: ``"4He"``, ``"20Ne+"``, ``"4He2+"``; one charge where none is given.

    Raises
    ------
    InputError
        For a text that names no isotope.

    Examples
    --------
    >>> round(ion_mass("4He"), 4)
    4.0021
    """
    found = _ION.fullmatch(ion.strip())
    try:
        if found is None or not found[1]:
            raise ValueError
        mass = float(getattr(periodictable, found[2])[int(found[1])].mass)
    except (AttributeError, KeyError, ValueError) as problem:
        raise InputError(
            f"{ion!r} names no isotope", where="ion", remedy="Set attrs['ion'] to one such as '4He', or mass_axis=False"
        ) from problem
    return mass - ELECTRON * int(found[3] or 1)


def target_masses(energy: Array, *, projectile: float, ion_energy: float, angle: float) -> Array:
    r"""Mass of an atom that scatters an ion elastically to an energy.

    .. math:: M_2 = M_1\frac{1 + K - 2\sqrt K\cos\theta}{1 - K}, \qquad K = E_1/E_0

    Parameters
    ----------
    energy
        Energies after the collision, eV, shape (n,).
    projectile, ion_energy, angle
        Mass (u) and energy (eV) of the ion, and the scattering angle (deg).

    Returns
    -------
    numpy.ndarray
        Masses in u; NaN at and above the energy of the ion and at or below zero.

    References
    ----------
    Conservation of energy and momentum of two bodies; Niehus, Heiland and Taglauer, Surf. Sci. Rep. 17 (1993) 213.

    Examples
    --------
    >>> target_masses(np.array([1181.82, 2551.14]), projectile=4.002054, ion_energy=3000, angle=145).round(1).tolist()
    [16.0, 89.9]
    """
    factor = np.where((energy > 0) & (energy < ion_energy), energy / ion_energy, np.nan)
    turned = 1 + factor - 2 * np.sqrt(factor) * np.cos(np.radians(angle))
    return np.asarray(projectile * turned / (1 - factor))


def geometry(fit: xr.Dataset) -> tuple[str, float, float]:
    """Return ion, its energy (eV) and the scattering angle (deg) that a Dataset states.

    Raises
    ------
    InputError
        Where it does not state them.
    """
    missing = [name for name in ("ion", "ion_energy", "scattering_angle") if name not in fit.attrs]
    if missing:
        raise InputError(
            f"the data do not state {', '.join(missing)}",
            where="mass_axis",
            remedy="Set them with .assign_attrs(), or draw with mass_axis=False",
        )
    return str(fit.attrs["ion"]), float(fit.attrs["ion_energy"]), float(fit.attrs["scattering_angle"])


def add_mass_axis(ax: Axes, fit: xr.Dataset, *, shift: float = 0.0) -> Axes:
    """Write masses along the upper edge of a frame whose horizontal limits are final.

    Parameters
    ----------
    ax
        The frame, over kinetic energy.
    fit
        Dataset that states ion, energy and angle.
    shift
        What the measured scale has more than the kinematics, eV.

    Returns
    -------
    matplotlib.axes.Axes
        Axes that hold the scale.
    """
    ion, ion_energy, angle = geometry(fit)
    low, high = ax.get_xlim()
    energy = np.linspace(low, high, 4001)
    masses = target_masses(energy - shift, projectile=ion_mass(ion), ion_energy=ion_energy, angle=angle)
    kept: list[tuple[float, int]] = []
    for mass in ROUND:
        for place in _crossings(energy, masses - mass):
            across = (place - low) / (high - low)
            if all(abs(across - (other - low) / (high - low)) > APART for other, _ in kept):
                kept.append((place, mass))
    kept.sort()
    upper = ax.twiny()
    upper.set_xlim(low, high)
    ax.tick_params(axis="x", which="both", top=False)
    style.name_ticks(upper.xaxis, [place for place, _ in kept], [str(mass) for _, mass in kept])
    upper.xaxis.minorticks_off()
    upper.tick_params(axis="x", direction="in", length=3.0, width=style.THIN, pad=2)
    for spine in upper.spines.values():
        spine.set(linewidth=style.THIN, color=style.INK)
    style.say(upper.xaxis.label, style.axis_text("Target mass", "u"))
    return upper


def _crossings(x: Array, y: Array) -> list[float]:
    """Return where a curve passes zero, by straight lines between its points."""
    at = np.flatnonzero(np.isfinite(y[:-1]) & np.isfinite(y[1:]) & (np.sign(y[:-1]) != np.sign(y[1:])))
    return [float(x[i] - y[i] * (x[i + 1] - x[i]) / (y[i + 1] - y[i])) for i in at]
