"""``summary``: what a Dataset says, as plain text of at most 100 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from itertools import islice
from typing import Final

import numpy as np
import xarray as xr

from surfspec import schema
from surfspec.display import labels
from surfspec.display.changes_summary import changes_lines, is_comparison
from surfspec.display.columns import (
    ROWS,
    WIDTH,
    aligned,
    brief,
    columns_text,
    coordinate_text,
    describe_table,
    left_out,
    verdict_rows,
)
from surfspec.display.fit_facts import background_rows, prior_rows, source_rows
from surfspec.display.match_summary import match_lines
from surfspec.display.refinement_facts import is_refinement, refinement_lines
from surfspec.display.text import number_text, unit_text, with_unit

#: Members of a fit series that are written out in full; longer series become one table of areas.
FULL_MEMBERS: Final = 3

#: Attributes of a spectrum that are worth a line, with their units.
_FACTS: Final[dict[str, str]] = {
    "sample": "", "instrument": "", "photon_energy": "eV", "pass_energy": "eV", "ion": "", "ion_energy": "eV",
    "scattering_angle": "deg", "dose": "ions/cm2", "wavelength": "angstrom", "wavelength_name": "", "dwell_time": "s",
    "scans": "", "energy_shift": "eV", "source_file": "",
}  # fmt: skip

_STATISTICS: Final = {"poisson": "counts (Poisson)", "given": "uncertainties given with the data"}


def summary(dataset: xr.Dataset) -> str:
    """Describe any Dataset in plain text: verdict and reasons first, then numbers with uncertainty and unit.

    Parameters
    ----------
    dataset
        Of kind ``spectrum``, ``fit``, ``match`` or ``table``, single or series.

    Returns
    -------
    str
        Lines of at most 100 columns. Uncertainties are rounded as in :func:`surfspec.display.value_text`; what the
        data do not determine is called so.

    Raises
    ------
    SchemaError
        When the Dataset does not say what it is, or is not what it says.

    Examples
    --------
    >>> import surfspec as ss
    >>> ds = ss.spectrum([280, 285, 290], [10, 40, 12], technique="XPS", region="C 1s", photon_energy=1486.6)
    >>> print(ss.summary(ds))
    spectrum · XPS · C 1s
    binding energy  280 to 290 eV, 3 points, step 5 eV
    intensity       10 to 40 counts
    statistics      counts (Poisson)
    photon energy   1486.6 eV
    """
    kind = schema.kind_of(dataset)
    schema.check(dataset, kind)
    lines = [_title(dataset, kind), *_WRITERS[kind](dataset)]
    return "\n".join(folded for line in lines for folded in _fold(line))


def _title(dataset: xr.Dataset, kind: str) -> str:
    words = [kind, *(str(dataset.attrs.get(name, "")) for name in ("technique", "region"))]
    if kind != "spectrum":
        words.append(str(dataset.attrs.get("sample", "")))
    if labels.is_simulated(dataset):
        words.append("simulated")
    return " · ".join(word for word in words if word)


def _spectrum(dataset: xr.Dataset) -> list[str]:
    axis = schema.axis_of(dataset)
    x, y = dataset[axis].values, dataset["intensity"].values
    unit, counted = schema.AXES[axis][0], unit_text(str(dataset["intensity"].attrs.get("units", "1")))
    steps = f"{x.size} points, step {with_unit(number_text(float(np.median(np.diff(x))), 3), unit)}"
    rows = [
        (axis.replace("_", " "), f"{number_text(x[0])} to {with_unit(number_text(x[-1]), unit)}, {steps}"),
        ("intensity", f"{number_text(y.min())} to {number_text(y.max())} {counted}"),
        ("statistics", _STATISTICS.get(labels.statistics_of(dataset)) or f"unknown: {labels.unknown_because(dataset)}"),
        *_series_rows(dataset),
    ]
    for name, fact_unit in _FACTS.items():
        value = dataset.attrs.get(name, "")
        text = value if isinstance(value, str) else with_unit(number_text(float(value), 8), fact_unit or "1")
        if text:
            rows.append((name.replace("_", " "), text))
    return aligned(rows)


def _series_rows(dataset: xr.Dataset) -> list[tuple[str, str]]:
    return [(name, f"{dataset.sizes[name]}: {_ends(dataset, name)}") for name in labels.member_dims(dataset)]


def _ends(dataset: xr.Dataset, name: str) -> str:
    """Name the first and the last value of a series coordinate, or all of a few names."""
    count = dataset.sizes[name]
    if name not in dataset.coords:
        return f"0 to {count - 1}"
    words = [coordinate_text(dataset, name, index) for index in range(count)]
    unit = unit_text(str(dataset[name].attrs.get("units", "1")))
    text = ", ".join(words) if count <= 4 else f"{words[0]} ... {words[-1]}"
    return f"{text} {unit}".strip()


def _fit(dataset: xr.Dataset) -> list[str]:
    count = labels.member_count(dataset)
    named = list(islice(labels.members(dataset), ROWS))
    if count == 1:
        return _fit_member(named[0][1], dataset)
    verdicts = dataset["verdict"].values.ravel().tolist()
    tally = ", ".join(f"{verdicts.count(word)} {word}" for word in ("failed", "check", "ok") if word in verdicts)
    lines = aligned([("verdicts", f"{tally} of {count}"), *_recipe_row(dataset), *_series_rows(dataset)])
    if count <= FULL_MEMBERS:
        for label, member in named:
            lines += ["", label, *_fit_member(member, None)]
        return lines
    dims = labels.member_dims(dataset)
    head = [*(dim.replace("_", " ") for dim in dims), "verdict"]
    head += [f"area {name}" for name in labels.component_labels(dataset)]
    rows = []
    for place, (_, member) in zip(np.ndindex(*(dataset.sizes[dim] for dim in dims)), named, strict=False):
        pairs = zip(member["area"].values, member["area_unc"].values, strict=True)
        where = [coordinate_text(dataset, dim, index) for dim, index in zip(dims, place, strict=True)]
        rows.append([*where, str(member["verdict"].values), *(brief(float(area), float(unc)) for area, unc in pairs)])
    unit = unit_text(str(dataset["area"].attrs.get("units", "1")))
    lines += ["", f"areas in {unit}", *columns_text(head, rows), *left_out(count)]
    for label, member in named:
        verdict, reasons = labels.verdict_of(member)
        if verdict != "ok":
            lines.append(f"{label}: {verdict}: {'; '.join(reasons) or 'no reason given'}")
    return lines


def _fit_member(member: xr.Dataset, whole: xr.Dataset | None) -> list[str]:
    if is_refinement(member):
        return refinement_lines(member)
    dof = float(member["dof"].values)
    rows = verdict_rows(member)
    if whole is not None:
        rows += _recipe_row(whole)
    rows.append(
        (
            "chi-square",
            f"{number_text(float(member['reduced_chi2'].values), 3)} (reduced, {number_text(dof)} degrees of freedom)",
        )
    )
    rows += [*background_rows(member), *prior_rows(member)]
    head = ["component"]
    for name, column in (("center", "centre"), ("fwhm", "FWHM"), ("area", "area")):
        unit = unit_text(str(member[name].attrs.get("units", "1")))
        head.append(f"{column} ({unit})" if unit else column)
    body = []
    for index, name in enumerate(labels.component_labels(member)):
        part = member.isel(component=index)
        flag = str(part["flag"].values)
        cells = [brief(float(part[key].values), float(part[f"{key}_unc"].values)) for key in ("center", "fwhm", "area")]
        body.append([name, *cells, "" if flag in {"", "ok"} else flag.replace("_", " ")])
    return [*aligned(rows), *columns_text([*head, ""], body)]


def _recipe_row(dataset: xr.Dataset) -> list[tuple[str, str]]:
    """Name the recipe; a recipe kept as YAML is named by its ``name`` or ``recipe`` line."""
    name = str(dataset.attrs.get("recipe_name", ""))
    for line in str(dataset.attrs.get("recipe", "")).splitlines():
        key, _, value = line.partition(":")
        if not name and key.strip() in {"name", "recipe"}:
            name = value.strip().strip("'\"")
    rows = [*([("recipe", name)] if name else []), *source_rows(dataset)]
    told = (("uncertainties", "uncertainties"), ("shared", "in common"))
    return rows + [(words, str(dataset.attrs[key])) for key, words in told if key in dataset.attrs]


def _match(dataset: xr.Dataset) -> list[str]:
    lines: list[str] = []
    for label, member in labels.members(dataset):
        lines += ["", label] if label else []
        lines += match_lines(member)
    return lines[1:] if lines[:1] == [""] else lines


def _table(dataset: xr.Dataset) -> list[str]:
    return changes_lines(dataset) if is_comparison(dataset) else describe_table(dataset)


def _fold(line: str) -> list[str]:
    """Break a line that is too long, its continuation indented."""
    if len(line) <= WIDTH:
        return [line]
    return textwrap.wrap(
        line, WIDTH, subsequent_indent="    ", break_long_words=True, break_on_hyphens=False, drop_whitespace=True
    )


_WRITERS: Final[dict[str, Callable[[xr.Dataset], list[str]]]] = {
    "spectrum": _spectrum,
    "fit": _fit,
    "match": _match,
    "table": _table,
}
