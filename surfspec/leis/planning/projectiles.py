"""Which ion and energy tell two elements apart, and what else becomes invisible with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr

from surfspec.errors import InputError
from surfspec.given import listed, number, shown
from surfspec.leis.collisions import isotopes as iso
from surfspec.leis.collisions.kinematics import LOWEST_BEAM, check_geometry, elastic_energy
from surfspec.leis.planning.seen_elements import LOWEST
from surfspec.leis.planning.separation import LIMIT, forecast
from surfspec.leis.planning.tables import checked_elements, made, positive
from surfspec.leis.recipe import Recipe

#: Ions and energies (eV) that sources of commercial instruments give.
PROJECTILES: Final = tuple(
    (ion, energy)
    for ion, energies in (
        ("3He", (1000.0, 3000.0, 5000.0, 8000.0)),
        ("4He", (1000.0, 3000.0, 5000.0, 8000.0)),
        ("20Ne", (3000.0, 5000.0, 8000.0)),
        ("22Ne", (3000.0, 5000.0, 8000.0)),
        ("40Ar", (3000.0, 5000.0, 8000.0)),
        ("84Kr", (5000.0, 8000.0)),
    )
    for energy in energies
)

#: Points over the FWHM of the analyser, and constant background in counts per eV.
POINTS: Final = 4.0
BACKGROUND: Final = 10.0


def better_projectile(
    pair: Sequence[str],
    *,
    wanted: Iterable[str] = (),
    counts: float = 10000.0,
    resolution: float = 0.02,
    angle: float = 145.0,
    acceptance: float = 1.0,
    thermal_energy: float = 0.045,
    lowest: float = LOWEST,
    limit: float = LIMIT,
    projectiles: Iterable[tuple[str, float]] = PROJECTILES,
) -> xr.Dataset:
    """Rank ions and energies by how well they separate two elements.

    Each row is a :func:`surfspec.leis.forecast` of the two elements alone, of equal counts. The same counts need
    different times: cross-section and neutralisation differ from ion to ion, and heavy ions sputter more.

    Parameters
    ----------
    pair
        Two elements.
    wanted
        Other elements that should be seen in the same spectrum.
    counts
        In each of the two peaks.
    resolution
        Of the analyser, FWHM over energy.
    angle
        Scattering angle, deg.
    acceptance, thermal_energy
        As in :class:`surfspec.leis.Recipe`, deg and eV.
    lowest
        Energy below which a peak cannot be used, eV.
    limit
        Relative standard deviation up to which an area counts as determined.
    projectiles
        (ion, energy in eV) to compare; by default those of common sources.

    Returns
    -------
    xarray.Dataset
        Of kind ``table`` over ``projectile``, the best first: separable pairs, then the fewest lost elements, then the
        smallest uncertainty. ``ion``, ``ion_energy`` (eV), ``separation`` and ``fwhm`` (eV), ``separation_fwhm``,
        ``relative_unc`` (the larger of the two areas'), ``separable`` (1 or 0), ``lost`` (elements of `pair` and
        `wanted` that are forbidden or below `lowest`, with their energies) and ``lost_count``.

    Raises
    ------
    InputError, GeometryError
        For numbers that are none, unknown names, or an impossible geometry.

    Examples
    --------
    >>> advice = better_projectile(("Al", "Si"), wanted=["O", "Na"], projectiles=[("4He", 3000), ("20Ne", 5000)])
    >>> advice.lost.values.tolist()
    ['', 'O (forbidden), Na (34 eV)']
    """
    names = checked_elements(pair, where="pair")
    if len(names) != 2:
        raise InputError(f"pair is {pair}", where="pair", remedy="Name two different elements")
    asked = wanted if isinstance(wanted, str) else tuple(map(str, listed(wanted, "wanted")))
    other = checked_elements(asked, where="wanted") if asked else ()
    every = tuple(dict.fromkeys((*names, *other)))
    choices = []
    for one in listed(projectiles, "projectiles"):
        if not isinstance(one, list | tuple) or len(one) != 2:
            raise InputError(
                f"projectiles holds {shown(one)}",
                where="projectiles",
                remedy='Give (ion, energy) pairs such as ("4He", 3000)',
            )
        choices.append((iso.ion(one[0]).name, positive(one[1], "projectiles", "eV")))
    positive(resolution, "resolution", "FWHM over energy")
    positive(limit, "limit", "relative standard deviation")
    if not choices:
        raise InputError("no projectiles", where="projectiles", remedy='Give (ion, energy) pairs such as ("4He", 3000)')
    number(lowest, "lowest", low=0.0)
    rows = []
    for ion, energy in choices:
        check_geometry(energy, angle, lowest=LOWEST_BEAM)
        lost = _lost(every, ion, energy, angle, lowest)
        separation = fwhm = worst = float("nan")
        if not any(name in lost for name in names):
            recipe = Recipe(
                elements=names, ion=ion, energy=energy, angle=angle, acceptance=acceptance,
                thermal_energy=thermal_energy,
            )  # fmt: skip
            table = _of_pair(recipe, counts, resolution, limit)
            separation, fwhm = float(table.separation[0, 1]), float(table.fwhm[0, 1])
            worst = float(max(table.relative_unc.values[0, 1], table.relative_unc.values[1, 0]))
        rows.append(_Row(ion, energy, separation, fwhm, worst, lost))
    rows.sort(key=lambda row: (not row.worst <= limit, len(row.lost), np.nan_to_num(row.worst, nan=np.inf)))
    return made(
        {
            "ion": ("projectile", np.array([row.ion for row in rows]), "1", "Projectile"),
            "ion_energy": ("projectile", np.array([row.energy for row in rows]), "eV", "Ion energy"),
            "separation": ("projectile", np.array([row.separation for row in rows]), "eV", "Distance of the lines"),
            "fwhm": ("projectile", np.array([row.fwhm for row in rows]), "eV", "FWHM of the peaks"),
            "separation_fwhm": (
                "projectile", np.array([row.separation / row.fwhm for row in rows]), "1", "Distance over FWHM"
            ),
            "relative_unc": (
                "projectile", np.array([row.worst for row in rows]), "1", "Relative standard deviation, larger of two"
            ),
            "separable": (
                "projectile", np.array([int(row.worst <= limit) for row in rows]), "1", "1 where both are determined"
            ),
            "lost": ("projectile", np.array([_words(row.lost) for row in rows]), "1", "Invisible elements"),
            "lost_count": ("projectile", np.array([len(row.lost) for row in rows]), "1", "Number of those"),
        },
        {"projectile": [f"{row.ion} {row.energy / 1000:g} keV" for row in rows]},
        {
            "pair": ", ".join(names),
            "wanted": ", ".join(other),
            "scattering_angle": float(angle),
            "resolution": float(resolution),
            "limit": float(limit),
            "criterion": f"separable: both areas within {100 * limit:g} % (one standard deviation, counting statistics "
            f"alone, {counts:g} counts in each peak)",
        },
    )  # fmt: skip


def _of_pair(recipe: Recipe, counts: float, resolution: float, limit: float) -> xr.Dataset:
    """Forecast on points that are close enough for narrow peaks, with the same background per eV."""
    energy = max(recipe.line(name) for name in recipe.elements)
    step = float(np.clip(resolution * energy / POINTS, 0.1, 5.0))
    return forecast(recipe, counts=counts, resolution=resolution, limit=limit, step=step, background=BACKGROUND * step)


@dataclass(frozen=True)
class _Row:
    """What one projectile gives; `lost` holds the energies (NaN: forbidden) of elements that it cannot see."""

    ion: str
    energy: float
    separation: float
    fwhm: float
    worst: float
    lost: dict[str, float]


def _lost(names: tuple[str, ...], ion: str, energy: float, angle: float, lowest: float) -> dict[str, float]:
    lines = {name: elastic_energy(name, ion=ion, energy=energy, angle=angle) for name in names}
    return {name: line for name, line in lines.items() if not line >= lowest}


def _words(lost: dict[str, float]) -> str:
    return ", ".join(
        f"{name} ({f'{line:.0f} eV' if np.isfinite(line) else 'forbidden'})" for name, line in lost.items()
    )
