"""Where each isotope of each element scatters the ions to, and how many: the table to keep beside a spectrum."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec.errors import InputError
from surfspec.given import number
from surfspec.leis.collisions import isotopes as iso
from surfspec.leis.collisions.cross_sections import isotope_collisions, outside_domain
from surfspec.leis.collisions.kinematics import (
    HIGHEST_ENERGY,
    LOWEST_BEAM,
    angle_dispersion,
    check_geometry,
    isotope_energies,
    mass_dispersion,
)
from surfspec.leis.collisions.recoils import double_scattering_limit, recoil_energy
from surfspec.leis.planning.tables import checked_elements, made

Array = NDArray[np.float64]


def line_table(
    elements: Iterable[str] | None = None,
    *,
    ion: str = "4He",
    energy: float = 3000.0,
    angle: float = 145.0,
    loss: float | Mapping[str, float] = 0.0,
    potential: str = "ZBL",
) -> xr.Dataset:
    r"""Tabulate the lines of single scattering from every isotope.

    .. math:: E_1 = E_0\left[\frac{\cos\theta \pm \sqrt{A^2 - \sin^2\theta - A(1+A)Q/E_0}}{1+A}\right]^2

    Parameters
    ----------
    elements
        Symbols; all natural elements by default.
    ion, energy, angle
        Projectile isotope (``"4He"``, ``"22Ne"``, ``"4He2+"``), its energy (eV) and the scattering angle (deg).
    loss
        Energy `Q` lost to excitation in the collision, eV, or that by element. It enters the energies alone.
    potential
        Of the cross-sections, see :func:`surfspec.leis.cross_section`.

    Returns
    -------
    xarray.Dataset
        Of kind ``table``. Over (element, isotope): ``mass_number`` (-1 where an element has fewer isotopes), ``mass``
        (u), ``abundance``, ``energy`` and ``energy_low`` (both roots, eV; NaN where forbidden), ``weight`` (abundance
        times cross-section, 1 in sum), ``dispersion`` (eV/deg), ``mass_dispersion`` (eV/u), ``cross_section`` and
        ``cross_section_low`` (angstrom2/sr), ``centre_of_mass_angle`` (deg), ``impact_parameter`` and
        ``closest_approach`` (angstrom). Over element: ``centroid`` (by abundance, as
        :func:`surfspec.leis.elastic_energy`), ``weighted_centroid`` (by `weight`), ``spread`` (eV), ``allowed``
        (abundance of the isotopes that can scatter), ``double_scattering`` (eV, see
        :func:`surfspec.leis.double_scattering_limit`), ``recoil`` (eV, straight ahead) and ``domain`` (why the
        cross-section should not be trusted, or empty).

    Raises
    ------
    InputError, GeometryError
        For unknown names, or an impossible geometry.

    References
    ----------
    Niehus, Heiland and Taglauer, Surf. Sci. Rep. 17 (1993) 213.

    Examples
    --------
    >>> table = line_table(["O", "Zr"])
    >>> table.centroid.values.round(2).tolist()
    [1182.13, 2557.01]
    >>> table.energy.sel(element="Zr").values.round(1).tolist()
    [2551.1, 2555.7, 2560.2, 2568.8, 2577.2]
    """
    check_geometry(energy, angle, lowest=LOWEST_BEAM)
    names = checked_elements(elements)
    losses = _losses(loss, names)
    width = max(iso.isotopes(name).mass.size for name in names)
    per_isotope = {name: np.full((len(names), width), np.nan) for name in _ISOTOPE}
    per_element = {name: np.full(len(names), np.nan) for name in _ELEMENT}
    numbers = np.full((len(names), width), -1)
    domain = []
    for row, name in enumerate(names):
        target = iso.isotopes(name)
        numbers[row, : target.mass.size] = target.mass_number
        found = _of_isotopes(name, ion, energy, angle, losses[name], potential)
        for column, values in found.items():
            per_isotope[column][row, : target.mass.size] = values
        for column, value in _of_element(name, found, ion, energy, angle).items():
            per_element[column][row] = value
        domain.append(outside_domain(name, ion=ion, energy=energy, angle=angle))
    both, one = ("element", "isotope"), "element"
    return made(
        {
            "mass_number": (both, numbers, "1", "Mass number, -1 for none"),
            **{name: (both, per_isotope[name], *about) for name, about in _ISOTOPE.items()},
            **{name: (one, per_element[name], *about) for name, about in _ELEMENT.items()},
            "domain": (one, np.array(domain), "1", "Why the cross-section should not be trusted"),
        },
        {"element": names, "isotope": range(width)},
        {
            "ion": ion,
            "ion_energy": float(energy),
            "scattering_angle": float(angle),
            "potential": potential,
            "inelastic_loss": ", ".join(f"{name} {value:g} eV" for name, value in losses.items() if value) or "none",
        },
    )


_ISOTOPE = {
    "mass": ("u", "Atomic mass"),
    "abundance": ("1", "Natural abundance"),
    "energy": ("eV", "Energy after single scattering"),
    "energy_low": ("eV", "Energy, lower root"),
    "weight": ("1", "Share of the element's intensity"),
    "dispersion": ("eV/deg", "Change of energy with angle"),
    "mass_dispersion": ("eV/u", "Change of energy with mass"),
    "cross_section": ("angstrom2/sr", "Differential cross-section"),
    "cross_section_low": ("angstrom2/sr", "Differential cross-section, lower root"),
    "centre_of_mass_angle": ("deg", "Centre-of-mass angle"),
    "impact_parameter": ("angstrom", "Impact parameter"),
    "closest_approach": ("angstrom", "Distance of closest approach"),
}
_ELEMENT = {
    "centroid": ("eV", "Mean energy by abundance"),
    "weighted_centroid": ("eV", "Mean energy by intensity"),
    "spread": ("eV", "Standard deviation of the lines by intensity"),
    "allowed": ("1", "Abundance of isotopes that can scatter"),
    "double_scattering": ("eV", "Highest energy after two collisions"),
    "recoil": ("eV", "Energy of a recoil straight ahead"),
}


def _losses(loss: float | Mapping[str, float], names: tuple[str, ...]) -> dict[str, float]:
    if isinstance(loss, Mapping):
        for name in loss:
            if name not in names:
                raise InputError(f"{name!r} is not among the elements", where="loss", remedy="Use those of the table")
        given = {name: loss.get(name, 0.0) for name in names}
    else:
        given = dict.fromkeys(names, loss)
    return {name: number(value, "loss", low=0.0, high=HIGHEST_ENERGY) for name, value in given.items()}


def _of_isotopes(name: str, ion: str, energy: float, angle: float, loss: float, potential: str) -> dict[str, Array]:
    target = iso.isotopes(name)
    ratio, mass = target.mass / iso.ion(ion).mass, iso.ion(ion).mass
    high, low = (
        isotope_energies(name, ion=ion, energy=energy, angle=angle, loss=loss, branch=branch)
        for branch in ("high", "low")
    )
    hit = isotope_collisions(name, ion=ion, energy=energy, angle=angle, potential=potential)
    weak = isotope_collisions(name, ion=ion, energy=energy, angle=angle, potential=potential, branch="low")
    elastic = isotope_energies(name, ion=ion, energy=energy, angle=angle)
    real = np.isfinite(high)
    weight = np.where(real, target.abundance * hit.cross_section, np.nan)
    total = np.nansum(weight)
    return {
        "mass": target.mass,
        "abundance": target.abundance,
        "energy": high,
        "energy_low": low,
        "weight": weight / total if total > 0 else np.full_like(weight, np.nan),
        "dispersion": energy * angle_dispersion(ratio, angle, loss_fraction=loss / energy),
        # d ln K/dA is that of the elastic collision
        "mass_dispersion": elastic * mass_dispersion(ratio, angle) / mass,
        "cross_section": hit.cross_section,
        "cross_section_low": weak.cross_section,
        "centre_of_mass_angle": hit.angle,
        "impact_parameter": hit.impact,
        "closest_approach": hit.closest,
    }


def _of_element(name: str, found: Mapping[str, Array], ion: str, energy: float, angle: float) -> dict[str, float]:
    lines = found["energy"]
    real = np.isfinite(lines)
    out = {
        "allowed": float(found["abundance"][real].sum()),
        "double_scattering": double_scattering_limit(name, ion=ion, energy=energy, angle=angle),
        "recoil": float(recoil_energy(name, 0.0, ion=ion, energy=energy)),
    }
    if np.any(real):
        out["centroid"] = float(np.average(lines[real], weights=found["abundance"][real]))
    sure = real & np.isfinite(found["weight"])
    if np.any(sure):
        mean = float(np.average(lines[sure], weights=found["weight"][sure]))
        out["weighted_centroid"] = mean
        out["spread"] = float(np.sqrt(np.average((lines[sure] - mean) ** 2, weights=found["weight"][sure])))
    return out
