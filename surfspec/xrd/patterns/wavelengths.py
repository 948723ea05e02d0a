"""Characteristic X-ray lines of diffraction tubes; a wavelength is never guessed."""

from __future__ import annotations

import csv
import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from surfspec import reference
from surfspec.errors import InputError

#: hc in eV angstrom (CODATA 2018, exact constants).
HC: Final = 12398.419843320026
_NAME = re.compile(r"^\s*([A-Z][a-z])[\s_-]*k?[\s_-]*(?:(?:alpha|α|a)[\s_-]*([12])?)?\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class Radiation:
    """What the sample is lit with.

    Attributes
    ----------
    name
        ``"CuKa"`` (doublet), ``"CuKa1"`` (Ka1 alone) or a wavelength as text.
    wavelengths
        Wavelengths in angstrom, the reference line (Ka1) first.
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


def radiation(wavelength: str | float | Radiation | None, *, ka2_ratio: float | None = None) -> Radiation:
    """Return the radiation of a name or a number.

    Parameters
    ----------
    wavelength
        ``"CuKa"`` (doublet), ``"CuKa1"``, ``"CoKa"``, ...; or a wavelength in angstrom. A number within
        4e-5 relative of a tabulated Ka1 stays that number; within 2e-4 of an intensity-weighted mean of a
        doublet (1.5418 for Cu) it is the doublet.
    ka2_ratio
        Intensity Ka2/Ka1 of a doublet, by default the 0.5 of the table.

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
    """
    if isinstance(wavelength, Radiation):
        return wavelength
    if wavelength is None or (isinstance(wavelength, str) and not wavelength.strip()):
        raise InputError(
            "the wavelength is not known: neither the file nor the call says it",
            where="wavelength",
            remedy=f"Say wavelength='CuKa' ({', '.join(anodes())}; 'CuKa1' where Ka2 is filtered out) or angstrom",
        )
    if isinstance(wavelength, str):
        named = _NAME.match(wavelength)
        if named and named[1].capitalize() in anodes():
            return _doublet(named[1].capitalize(), named[2], ka2_ratio)
        try:
            wavelength = float(wavelength)
        except ValueError:
            raise InputError(
                f"unknown radiation {wavelength!r}",
                where="wavelength",
                remedy=f"Use an anode ({', '.join(name + 'Ka' for name in anodes())}), 'CuKa1', or angstrom",
            ) from None
    return _number(float(wavelength), ka2_ratio)


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
