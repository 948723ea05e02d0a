r"""Sensitivity factors by cross-sections, ion fraction and transmission: a fallback."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr

from surfspec.errors import InputError
from surfspec.given import number
from surfspec.leis.amounts import checks
from surfspec.leis.amounts.neutralisation import ion_fraction
from surfspec.leis.amounts.yields_table import yields_table
from surfspec.leis.collisions import isotopes as iso
from surfspec.leis.collisions.cross_sections import cross_section
from surfspec.leis.collisions.kinematics import elastic_energy

#: Relative standard uncertainty of a computed factor: a round robin over five laboratories agreed to 20 %, and the
#: ion fraction is not common to all elements (Brongersma et al., Nucl. Instrum. Methods B 142 (1998) 377; the number
#: itself is `unverified` for any one sample).
FALLBACK = 0.25


def sensitivity_from_cross_sections(
    elements: Sequence[str],
    *,
    ion: str = "4He",
    energy: float = 3000.0,
    angle: float = 145.0,
    incidence: float = 0.0,
    velocity: float | None = None,
    velocity_unc: float = 0.0,
    transmission: Callable[[float], float] | float = 0.0,
    relative_unc: float = FALLBACK,
    relative_to: str = "",
    potential: str = "ZBL",
) -> xr.Dataset:
    r"""Sensitivity factors computed, where there are no references: a fallback.

    .. math:: s_j \propto T(E_j)\,\Big(\frac{d\sigma}{d\Omega}\Big)_j\,P^+_j

    Parameters
    ----------
    elements
        Symbols.
    ion, energy, angle, incidence
        Projectile, its energy (eV), scattering angle and angle of incidence from the normal (deg).
    velocity, velocity_unc
        Characteristic velocity of neutralisation and its standard uncertainty, m/s; without it the ion fraction is
        taken as equal for all elements. See :func:`surfspec.leis.ion_fraction`.
    transmission
        Exponent `n` of an analyser with :math:`T \propto E^n`, or a function of the energy in eV.
    relative_unc
        Relative standard uncertainty of each factor, independent for all: 0.2 to 0.3 (:data:`FALLBACK`).
    relative_to
        Element whose factor is 1; the first by default.
    potential
        ``"ZBL"`` or ``"TFM"``.

    Returns
    -------
    xarray.Dataset
        As of :func:`surfspec.leis.sensitivity`, with ``attrs["method"] == "cross-sections"`` and the verdict ``check``.
        Factors relative to one element share its uncertainty, which is in ``covariance``.

    Raises
    ------
    InputError, GeometryError
        For an element that cannot be seen, or numbers out of range.

    Examples
    --------
    >>> import surfspec as ss
    >>> ss.leis.sensitivity_from_cross_sections(("O", "Zr")).sensitivity.values.round(1).tolist()
    [1.0, 10.4]
    """
    names = list(elements) if isinstance(elements, list | tuple) else []
    if not names or not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise InputError(f"elements {elements!r}", where="elements", remedy='Give each symbol once: ("O", "Zr")')
    relative_unc = number(relative_unc, "relative_unc", low=0.0, high=10.0)
    velocity_unc = number(velocity_unc, "velocity_unc", low=0.0, high=1e8)
    for label, value in (("energy", energy), ("angle", angle)):
        number(value, label, low=0.0, high=1e6, above=True)
    number(incidence, "incidence")
    if velocity is not None:
        velocity = number(velocity, "velocity", low=0.0, high=1e8)
    if not callable(transmission):
        number(transmission, "transmission", low=-10.0, high=10.0)
    for label, word in (("ion", ion), ("relative_to", relative_to), ("potential", potential)):
        checks.text(word, label, "Give a text, as in the documentation of this function")
    zero = relative_to or names[0]
    if zero not in names:
        raise InputError(f"{zero!r} is not among the elements", where="relative_to", remedy=f"Use {', '.join(names)}")
    values = np.zeros(len(names))
    slopes = np.zeros(len(names))  # of the logarithm by the characteristic velocity
    for i, name in enumerate(names):
        iso.element_symbol(name)
        scattered = elastic_energy(name, ion=ion, energy=energy, angle=angle)
        passed = _passed(transmission, scattered, energy)
        size = cross_section(name, ion=ion, energy=energy, angle=angle, potential=potential) * passed
        if velocity is not None:
            size *= ion_fraction(name, velocity=velocity, ion=ion, energy=energy, angle=angle, incidence=incidence)
            unit = ion_fraction(name, velocity=1e5, ion=ion, energy=energy, angle=angle, incidence=incidence)
            slopes[i] = np.log(unit) / 1e5
        if not (np.isfinite(size) and size > 0):
            raise InputError(
                f"{ion} of {energy:g} eV is not seen at {angle:g} deg from {name}",
                where="elements",
                remedy=f"Leave {name} out, or use a lighter ion or a smaller angle",
            )
        values[i] = size
    k = names.index(zero)
    ratios = values / values[k]
    change = np.eye(len(names)) - np.eye(len(names))[k]
    logs = change @ (relative_unc**2 * np.eye(len(names)) + velocity_unc**2 * np.outer(slopes, slopes)) @ change.T
    told = "equal ion fractions" if velocity is None else f"characteristic velocity {velocity:.3g} m/s"
    reason = f"model inadequate: factors by cross-sections are a fallback, {relative_unc:.0%} each ({told})"
    return yields_table(
        names, ratios, logs * np.outer(ratios, ratios), [reason], np.nan, 0,
        {
            "method": "cross-sections", "relative_to": zero, "inputs": "", "potential": potential, "ion": ion,
            "ion_energy": float(energy), "scattering_angle": float(angle),
            "transmission": "a function" if callable(transmission) else f"{transmission:g}",
            "relative_unc": float(relative_unc), "assumption": told,
        },
    )  # fmt: skip


def _passed(transmission: Callable[[float], float] | float, scattered: float, energy: float) -> float:
    """Return the transmission at the energy of scattered ions, NaN for ions that do not come."""
    if not callable(transmission):
        return float((scattered / energy) ** transmission)
    found = transmission(scattered)
    return number(found, "transmission", low=0.0) if np.isfinite(scattered) else np.nan
