"""What else a fit rests on, as rows of its summary: what was known beforehand, its own background, its X-ray source."""

from __future__ import annotations

import math
import re
from typing import Final

import xarray as xr

from surfspec.display.text import number_text, unit_text, value_text

#: Names of the parameters of a background that is fitted together with the components.
_BACKGROUND: Final = re.compile(r"background .+|.+ (shirley|slope|tougaard)")
#: The line of a recipe that names the anode of a source without monochromator.
_SATELLITES: Final = re.compile(r"^satellites:\s*['\"]?(Al|Mg)['\"]?\s*$", re.MULTILINE)


def prior_rows(member: xr.Dataset) -> list[tuple[str, str]]:
    r"""Write what was known of parameters beforehand, and how far the answer lies from it.

    .. math:: z = (p - p_0) / u(p_0)

    Parameters
    ----------
    member
        Fit of one spectrum; ``prior`` and ``prior_unc`` over ``parameter`` where there are any.

    Returns
    -------
    list of tuple
        A row for each such parameter; p with its uncertainty, p0 with its own, and z.

    Examples
    --------
    >>> import xarray as xr
    >>> numbers = {"value": 8.40, "value_unc": 0.01, "prior": 8.42, "prior_unc": 0.02}
    >>> coords = {"parameter": ["Sn splitting"], "parameter_unit": ("parameter", ["eV"])}
    >>> prior_rows(xr.Dataset({name: ("parameter", [one]) for name, one in numbers.items()}, coords))
    [('known before', 'Sn splitting 8.400(10) eV, before 8.420(20) eV: −1.0 prior uncertainties off')]
    """
    if "prior" not in member or "prior_unc" not in member:
        return []
    rows: list[tuple[str, str]] = []
    for index, name in enumerate(member["parameter"].values):
        before, spread = float(member["prior"].values[index]), float(member["prior_unc"].values[index])
        if not (math.isfinite(before) and spread > 0):
            continue
        value, unc = float(member["value"].values[index]), float(member["value_unc"].values[index])
        unit = _unit(member, index)
        off = f"{(value - before) / spread:+.1f}".replace("-", "−") if math.isfinite(value) else "n.d."
        text = f"{name} {_with(value, unc, unit)}, before {_with(before, spread, unit)}: {off} prior uncertainties off"
        rows.append(("" if rows else "known before", text))
    return rows


def background_rows(member: xr.Dataset) -> list[tuple[str, str]]:
    """Write the parameters of a background that was fitted with the components: levels, and strengths of scattering."""
    if "value" not in member or "parameter" not in member.coords:
        return []
    told = [
        f"{str(name).removeprefix('background ')} "
        + _with(float(member["value"].values[index]), float(member["value_unc"].values[index]), _unit(member, index))
        for index, name in enumerate(member["parameter"].values)
        if _BACKGROUND.fullmatch(str(name))
    ]
    return [("background", "; ".join(told))] if told else []


def source_rows(dataset: xr.Dataset) -> list[tuple[str, str]]:
    """Say that components have the satellites of an X-ray source without monochromator."""
    found = _SATELLITES.search(str(dataset.attrs.get("recipe", "")))
    if found is None:
        return []
    return [("satellites", f"every core level with those of {found[1]} Kα (no monochromator), tied to it")]


def _with(value: float, unc: float, unit: str) -> str:
    """Write a parameter: a fixed one without brackets."""
    if not math.isfinite(value):
        return "n.d."
    if not math.isfinite(unc):
        return f"{number_text(value)} {unit} (n.d.)".replace("  ", " ")
    return f"{value_text(value, unc)} {unit}".strip() if unc > 0 else f"{number_text(value)} {unit} (fixed)"


def _unit(member: xr.Dataset, index: int) -> str:
    """Write the unit of a parameter; "intensity" in it is that of the data."""
    if "parameter_unit" not in member.coords:
        return ""
    given = str(member["parameter_unit"].values[index])
    counted = str(member["intensity"].attrs.get("units", "1")) if "intensity" in member else "1"
    return unit_text(given.replace("intensity", counted)) if given != "1" else ""
