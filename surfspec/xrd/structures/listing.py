"""Phases as a table: what they are, where they come from, and whether anybody compared them with their source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import xarray as xr

from surfspec import schema
from surfspec._version import __version__
from surfspec.xrd.structures.chosen import several_phases
from surfspec.xrd.structures.phase import Phase

_TEXTS = ("name", "formula", "space_group", "trust", "source", "cod", "note")
_AXES = ("a", "b", "c", "alpha", "beta", "gamma")


def phase_table(phases: str | Phase | Iterable[str | Phase]) -> xr.Dataset:
    """Return phases as a table.

    Parameters
    ----------
    phases
        From `phases`, `read_folder` or `read_cif`, or names of cards.

    Returns
    -------
    xarray.Dataset
        Kind ``table`` over ``phase`` (ids): texts ``name``, ``formula``, ``space_group``, ``trust``, ``source``,
        ``cod``, ``note``; the bool ``verified``; ``a``, ``b``, ``c`` (angstrom), ``alpha``, ``beta``, ``gamma`` (deg),
        ``cell_uncertainty`` (relative), ``temperature`` (K), ``density`` (g/cm3) and ``cell_volume`` (angstrom3), NaN
        where unknown.

    Raises
    ------
    InputError
        For what is no phase, a name that no card has, and for two phases with one id.

    Examples
    --------
    >>> table = phase_table(["Pb_fcc", "NaPb"])
    >>> table.verified.values.tolist(), table.density.values.round(2).tolist()
    ([True, False], [11.34, 6.16])
    """
    rows = several_phases(phases, "phases", or_none=True)
    ids = [phase.id for phase in rows]
    table = xr.Dataset(coords={"phase": ("phase", np.array(ids, dtype=np.str_), {"long_name": "Phase"})})
    for name in _TEXTS:
        table[name] = ("phase", np.array([str(getattr(one, name)) for one in rows], dtype=np.str_))
    table["verified"] = ("phase", np.array([one.verified for one in rows], dtype=bool))
    columns: dict[str, tuple[Sequence[float | None], str, str]] = {
        **{axis: ([one.cell[i] for one in rows], "angstrom" if i < 3 else "deg", f"Cell constant {axis}")
           for i, axis in enumerate(_AXES)},
        "cell_uncertainty": ([one.cell_uncertainty for one in rows], "1", "Relative uncertainty of the cell lengths"),
        "temperature": ([one.temperature for one in rows], "K", "Temperature"),
        "density": ([one.density for one in rows], "g/cm3", "Calculated density"),
        "cell_volume": ([one.volume for one in rows], "angstrom3", "Volume of the cell"),
    }  # fmt: skip
    for name, (values, units, long_name) in columns.items():
        numbers = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
        table[name] = ("phase", numbers, {"units": units, "long_name": long_name})
    table.attrs = {"kind": "table", "technique": "XRD", "surfspec_version": __version__}
    return schema.check(table, "table")
