"""Characteristic X-ray lines of diffraction tubes; a wavelength is never guessed."""

from __future__ import annotations

import csv
import functools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from surfspec import given, reference
from surfspec.errors import InputError

#: hc in eV angstrom (CODATA 2018, exact constants).
HC: Final = 12398.419843320026
#: W L-alpha1 of an anode that the filament has soiled, angstrom: 8397.6 eV of Bearden (1967) Rev. Mod. Phys. 39, 78.
TUNGSTEN: Final = HC / 8397.6
#: Largest relative distance of the lines of a doublet (Ag: 0.8 %).
DOUBLET: Final = 0.012
_NAME = re.compile(
    r"^\s*([A-Z][a-z])[\s_-]*k?[\s_-]*(?:(?:alpha|α|a)[\s_-]*([12])?|(beta|β|b)[\s_-]*[13]?)?\s*$", re.IGNORECASE
)


@dataclass(frozen=True)
class Radiation:
    """What the sample is lit with.

    Attributes
    ----------
    name
        ``"CuKa"`` (doublet), ``"CuKa1"`` (Ka1 alone) or a wavelength as text.
    wavelengths
        Wavelengths in angstrom, the reference line (Ka1) first; then Ka2, K-beta and W La where they are there.
    weights
        Relative intensities of the lines, with sum 1.
    k_beta
        K-beta wavelength of the anode in angstrom, NaN for a plain number.
    """

    name: str
    wavelengths: tuple[float, ...]
    weights: tuple[float, ...]
    k_beta: float = float("nan")

    @property
    def energy(self) -> float:
        """Photon energy of the reference line, eV."""
        return HC / self.wavelengths[0]

    @property
    def satellites(self) -> tuple[bool, ...]:
        """Which lines are far from the reference line (K-beta, W La), further than a doublet splits."""
        return tuple(abs(value / self.wavelengths[0] - 1.0) > DOUBLET for value in self.wavelengths)


@functools.lru_cache(maxsize=1)
def anodes() -> Mapping[str, Mapping[str, float]]:
    """Return the table of lines: anode -> {ka1, ka2, kb, ka2_ratio, ..., in angstrom}."""
    path = reference.path("tables", "xray_lines.csv")
    with open(path, encoding="utf-8", newline="") as file:  # noqa: PTH123
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        table = {
            row["anode"]: MappingProxyType({key: float(value) for key, value in row.items() if key != "anode"})
            for row in rows
        }
    return MappingProxyType(table)


def radiation(
    wavelength: str | float | Radiation | None,
    *,
    ka2_ratio: float | None = None,
    k_beta: float = 0.0,
    tungsten: float = 0.0,
) -> Radiation:
    """Return the radiation of a name or a number.

    Parameters
    ----------
    wavelength
        ``"CuKa"`` (doublet), ``"CuKa1"``, ``"CuKb"``, ``"CoKa"``, ...; or a wavelength in angstrom. A number within
        4e-5 relative of a tabulated Ka1 stays that number; within 2e-4 of an intensity-weighted mean of a
        doublet (1.5418 for Cu, 1.7903 for Co, which some print as 1.7902) it is the doublet.
    ka2_ratio
        Intensity Ka2/Ka1 of a doublet, by default the 0.5 of the table.
    k_beta, tungsten
        Intensity of K-beta and of W La over that of Ka1 in what is recorded (at equal structure factors and angles:
        tube, filter and detector are in it). 0 by default; a nickel foil leaves some 0.5 to 2 % of K-beta of copper.

    Returns
    -------
    Radiation
        Lines in angstrom with weights.

    Raises
    ------
    InputError
        When there is no wavelength, or it is not one.

    Examples
    --------
    >>> radiation("CoKa").wavelengths
    (1.788996, 1.792835)
    >>> radiation(1.540598).weights
    (1.0,)
    >>> radiation(1.7902).name
    'CoKa'
    >>> radiation("CuKa1", k_beta=0.01).wavelengths
    (1.5405929, 1.392234)
    """
    return _with_satellites(_plain(wavelength, ka2_ratio), k_beta, tungsten)


def _plain(wavelength: str | float | Radiation | None, ka2_ratio: float | None) -> Radiation:
    if isinstance(wavelength, Radiation):
        return wavelength
    if ka2_ratio is not None:
        ka2_ratio = given.number(ka2_ratio, "ka2_ratio")
    if wavelength is None or (isinstance(wavelength, str) and not wavelength.strip()):
        raise InputError(
            "the wavelength is not known: neither the file nor the call says it",
            where="wavelength",
            remedy=f"Say wavelength='CuKa' ({', '.join(anodes())}; 'CuKa1' where Ka2 is filtered out) or angstrom",
        )
    if isinstance(wavelength, str):
        named = _NAME.match(wavelength)
        if named and named[1].capitalize() in anodes():
            anode = named[1].capitalize()
            if named[3]:
                return Radiation(f"{anode}Kb", (anodes()[anode]["kb"],), (1.0,), anodes()[anode]["kb"])
            return _doublet(anode, named[2], ka2_ratio)
        try:
            wavelength = float(wavelength)
        except ValueError:
            raise InputError(
                f"unknown radiation {wavelength!r}",
                where="wavelength",
                remedy=f"Use an anode ({', '.join(name + 'Ka' for name in anodes())}), 'CuKa1', or angstrom",
            ) from None
    return _number(given.number(wavelength, "wavelength"), ka2_ratio)


def _with_satellites(light: Radiation, k_beta: float, tungsten: float) -> Radiation:
    k_beta = given.number(k_beta, "k_beta", low=0.0, high=1.0)
    tungsten = given.number(tungsten, "tungsten", low=0.0, high=1.0)
    if k_beta == 0.0 and tungsten == 0.0:
        return light
    if k_beta > 0.0 and (not math.isfinite(light.k_beta) or light.k_beta in light.wavelengths):
        raise InputError(
            f"the K-beta line beside {light.name} is not known, or is there already",
            where="k_beta",
            remedy="Name the radiation ('CuKa')",
        )
    extra = [(light.k_beta, k_beta), (TUNGSTEN, tungsten)]
    found = [(wave, ratio) for wave, ratio in extra if ratio > 0.0]
    weights = (*light.weights, *(ratio * light.weights[0] for _, ratio in found))
    return Radiation(
        light.name,
        (*light.wavelengths, *(wave for wave, _ in found)),
        tuple(weight / sum(weights) for weight in weights),
        light.k_beta,
    )


def _doublet(anode: str, line: str | None, ratio: float | None) -> Radiation:
    row = anodes()[anode]
    if line is not None:
        return Radiation(f"{anode}Ka{line}", (row[f"ka{line}"],), (1.0,), row["kb"])
    share = row["ka2_ratio"] if ratio is None else ratio
    if not 0.0 <= share <= 1.0:
        raise InputError(f"Ka2/Ka1 is {share:g}", where="ka2_ratio", remedy="Give a ratio from 0 to 1 (0.5 by theory)")
    total = 1.0 + share
    return Radiation(f"{anode}Ka", (row["ka1"], row["ka2"]), (1.0 / total, share / total), row["kb"])


def _number(value: float, ratio: float | None) -> Radiation:
    if not 0.05 <= value <= 5.0:
        raise InputError(
            f"a wavelength of {value:g} angstrom is outside 0.05 to 5",
            where="wavelength",
            remedy="Give angstrom (Cu Ka1 is 1.5406), not nm or eV",
        )
    for anode, row in anodes().items():
        mean = (row["ka1"] + row["ka2_ratio"] * row["ka2"]) / (1.0 + row["ka2_ratio"])
        if abs(value / row["ka1"] - 1.0) < 4e-5:
            return Radiation(f"{anode}Ka1", (value,), (1.0,), row["kb"])
        if abs(value / mean - 1.0) < 2e-4:
            return _doublet(anode, None, ratio)
    return Radiation(f"{value:.6g}", (value,), (1.0,))
