"""The space group of a CIF: operations outrank symbols, and an origin that the file leaves open is not guessed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import gemmi
import numpy as np

from surfspec.errors import InputError
from surfspec.xrd.structures.symmetry import CELL_TOLERANCE, metric_of, obeys

#: ICSD and GSAS mark the origin by a letter after the symbol.
_ORIGIN = {"S": ":1", "Z": ":2"}


def operations(structure: gemmi.SmallStructure, file: Path) -> list[gemmi.Op]:
    """Return the symmetry operations of the file, closed to a group; empty where it lists none."""
    texts = [str(one) for one in structure.symops]
    if not texts or texts == ["x,y,z"]:
        return []
    try:
        listed = [gemmi.Op(one) for one in texts]
        group = gemmi.GroupOps(listed)
        group.add_missing_elements()
    except (RuntimeError, ValueError) as error:
        raise InputError(
            f"the symmetry operations are no group ({' '.join(str(error).split())[:120]})",
            where=file,
            remedy="Mend _space_group_symop_operation_xyz",
        ) from error
    return list(group)


def settings(structure: gemmi.SmallStructure, cell: Sequence[float], file: Path) -> tuple[list[gemmi.SpaceGroup], str]:
    """Return the settings that the file allows and the cell obeys, and what should be noted.

    One setting where the operations or an unambiguous symbol say which. Several, to be told apart by the atoms, where
    the symbol leaves the origin open (``F d -3 m``). None where operations are given that no tabulated setting has.

    Raises
    ------
    InputError
        For a symbol that is not known, a cell without the symmetry, and a file that gives neither.
    """
    listed = operations(structure, file)
    symbol = " ".join(structure.spacegroup_hm.split())
    if listed:
        _check_metric(listed, cell, file)
        found: gemmi.SpaceGroup | None = gemmi.find_spacegroup_by_ops(gemmi.GroupOps(listed))
        named = _by_symbol(symbol)
        if found is None:
            return [], f"The operations are those of no tabulated setting ({symbol or 'no symbol'})."
        if symbol and named and found.number not in {one.number for one in named}:
            raise InputError(
                f"the symbol {symbol} and the symmetry operations ({found.xhm()}) contradict each other",
                where=file,
                remedy="Remove the one that is wrong",
            )
        return [found], ""
    groups = _by_symbol(symbol) or _by_symbol(structure.spacegroup_hall)
    if not symbol and not groups and structure.spacegroup_number:
        groups = _origins(gemmi.find_spacegroup_by_number(structure.spacegroup_number))
    allowed = [group for group in groups if obeys(cell, group)]
    if groups and not allowed:
        raise InputError(
            f"the cell {tuple(cell)} does not have the symmetry of {groups[0].xhm()}",
            where=file,
            remedy="Check the cell and the setting of the space group",
        )
    if not groups and list(structure.symops) == ["x,y,z"]:
        return [gemmi.find_spacegroup_by_name("P 1")], ""
    if not groups:
        raise InputError(
            f"the space group {symbol or 'is missing or'} is not known",
            where=file,
            remedy="Add _space_group_name_H-M_alt with the full symbol ('P 1 21/c 1') or the symmetry operations",
        )
    return allowed, ""


def _by_symbol(symbol: str) -> list[gemmi.SpaceGroup]:
    """Return the settings a symbol can mean: one, or those of all origins and axes that it leaves open."""
    if not symbol:
        return []
    plain = re.sub(r"\((\d)\)", r"\1", symbol.replace("_", "")).strip()
    tail = plain.split()[-1] if " " in plain else ""
    if tail in _ORIGIN:
        plain = plain[: -len(tail)].strip() + _ORIGIN[tail]
    for name in (plain, plain.replace(" :", ":")):
        try:
            group = gemmi.find_spacegroup_by_name(name)
        except (ValueError, TypeError):
            group = None
        if group is not None:
            said = ":" in name or tail in ("H", "R")
            return [group] if said else _origins(group)
    return []


def _origins(group: gemmi.SpaceGroup | None) -> list[gemmi.SpaceGroup]:
    """Return a setting with its siblings of the same symbol: other origins, rhombohedral or hexagonal axes."""
    if group is None:
        return []
    if not group.ext.strip("\0 "):
        return [group]
    return [one for one in gemmi.spacegroup_table() if one.number == group.number and one.hm == group.hm]


def _check_metric(listed: Sequence[gemmi.Op], cell: Sequence[float], file: Path) -> None:
    metric = metric_of(cell)
    rotations = np.array([op.rot for op in listed], dtype=np.float64) / gemmi.Op.DEN
    scale = np.sqrt(np.outer(np.diag(metric), np.diag(metric)))
    turned = np.einsum("nji,jk,nkl->nil", rotations, metric, rotations)
    if not np.all(np.abs(turned - metric) <= 4 * CELL_TOLERANCE * scale):
        raise InputError(
            f"the cell {tuple(cell)} does not have the symmetry of the listed operations",
            where=file,
            remedy="Check the cell and the setting of the space group",
        )
