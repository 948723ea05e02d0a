"""What a refinement of a powder pattern found, in words: cells, weights, agreement."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import xarray as xr

from surfspec.display import labels
from surfspec.display.columns import aligned, columns_text, verdict_rows
from surfspec.display.text import number_text, value_text

_LENGTHS: Final = ("a", "b", "c")
_ANGLES: Final = ("α", "β", "γ")


def is_refinement(dataset: xr.Dataset) -> bool:
    """Tell whether a fit is one of phases to a powder pattern."""
    return "two_theta" in dataset.dims and "cell_length" in dataset


def phase_names(dataset: xr.Dataset) -> list[str]:
    """Return readable names of the phases: name, and formula where it says something else."""
    return labels.phase_names(dataset.rename(component="phase"))


def cell_words(part: xr.Dataset) -> list[str]:
    """Write the independent lengths and angles of one cell with their uncertainties.

    Examples
    --------
    >>> part = xr.Dataset({
    ...     "cell_length": ("axis", [4.7589, 4.7589, 12.992]), "cell_length_unc": ("axis", [1e-4, 1e-4, 4e-4]),
    ...     "cell_angle": ("corner", [90.0, 90.0, 120.0]), "cell_angle_unc": ("corner", [0.0, 0.0, 0.0])})
    >>> cell_words(part)
    ['a = 4.75890(10) Å', 'c = 12.9920(4) Å']
    """
    lengths, spread = part["cell_length"].values, part["cell_length_unc"].values
    words = [
        f"{name} = {value_text(float(value), float(unc), 'angstrom')}"
        for at, (name, value, unc) in enumerate(zip(_LENGTHS, lengths, spread, strict=True))
        if not any(math.isclose(value, lengths[before], rel_tol=1e-9) for before in range(at))
    ]
    angles = zip(_ANGLES, part["cell_angle"].values, part["cell_angle_unc"].values, strict=True)
    return words + [
        f"{name} = {value_text(float(value), float(unc), 'deg')}"
        for name, value, unc in angles
        if unc > 0 or (abs(value - 90) > 1e-6 and abs(value - 120) > 1e-6)
    ]


def weight_words(part: xr.Dataset) -> str:
    """Write the weight fraction of one phase in percent; nothing where there is none."""
    if "weight_fraction" not in part or not math.isfinite(float(part["weight_fraction"])):
        return ""
    value, unc = float(part["weight_fraction"]), float(part["weight_fraction_unc"])
    return labels.amount_text(100 * value, 100 * unc)


def agreement_words(member: xr.Dataset) -> str:
    """Write the agreement of pattern and model: weighted profile R, what counting allows, goodness of fit."""
    words = [f"{name} = {number_text(float(member[key]), 3)} %"
             for key, name in (("r_wp", "Rwp"), ("r_exp", "Rexp")) if key in member]  # fmt: skip
    if "goodness_of_fit" in member:
        words.append(f"GoF = {number_text(float(member['goodness_of_fit']), 3)}")
    return ", ".join(words)


def texture_words(member: xr.Dataset) -> list[str]:
    """Write the March coefficient of each phase with a refined texture and the direction along which it holds.

    Below 1 the grains are plates that lie flat (March 1932), above 1 needles.

    Examples
    --------
    >>> texture_words(xr.Dataset(
    ...     {"texture": ("component", [0.661, 1.0]), "texture_unc": ("component", [0.003, 0.0]),
    ...      "texture_direction": ("component", ["0 0 1", ""])}, coords={"component": ["Mg(OH)2", "ZnO"]}))
    ['Mg(OH)2 r = 0.661(3) along 0 0 1']
    """
    if "texture" not in member or "texture_direction" not in member:
        return []
    every = zip(
        member["component"].values, member["texture"].values, member["texture_unc"].values,
        member["texture_direction"].values, strict=True,
    )  # fmt: skip
    return [f"{name} r = {value_text(float(value), float(unc))} along {way}"
            for name, value, unc, way in every if str(way) and math.isfinite(value)]  # fmt: skip


def refinement_lines(member: xr.Dataset) -> list[str]:
    """Write one refinement: verdict, agreement, and a row for each phase."""
    rows = verdict_rows(member)
    if agreement_words(member):
        rows.append(("agreement", agreement_words(member)))
    shifts = [f"{words} {number_text(float(member.attrs[key]), 3)}°"
              for key, words in (("zero_shift", "zero"), ("displacement_shift", "displacement"))
              if float(member.attrs.get(key, 0.0))]  # fmt: skip
    if shifts:
        rows.append(("shifts", ", ".join(shifts)))
    if "inflation" in member and float(member["inflation"]) > 1:
        rows.append(("uncertainties", f"{number_text(float(member['inflation']), 3)} times those of counting alone"))
    if texture_words(member):
        rows.append(("texture", "; ".join(texture_words(member))))
    body = []
    for index, name in enumerate(phase_names(member)):
        part = member.isel(component=index)
        flag = str(part["flag"].values)
        body.append([
            name, labels.amount_text(100 * float(part["weight_fraction"]), 100 * float(part["weight_fraction_unc"]), "")
            if "weight_fraction" in part else "",
            ", ".join(cell_words(part)).replace(" Å", "").replace(" = ", " "),
            number_text(float(part["r_bragg"]), 3) if "r_bragg" in part and np.isfinite(part["r_bragg"]) else "",
            "" if flag in {"", "ok"} else flag.replace("_", " "),
        ])  # fmt: skip
    return [*aligned(rows), *columns_text(["phase", "wt %", "cell (Å)", "R Bragg (%)", ""], body)]
