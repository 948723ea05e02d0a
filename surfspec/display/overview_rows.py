"""The words and numbers of the page on one sample: rows of its table, and the facts above it."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import xarray as xr

from surfspec.display import labels
from surfspec.display.areas import Amount, component_amounts, normalised_areas
from surfspec.display.checks import shortened
from surfspec.display.columns import brief
from surfspec.display.text import number_text, value_text

HEAD: Final = ("Region", "Component", "Position (eV)", "FWHM (eV)", "Share (%)", "Area / ref.", "at.%", "Verdict")
#: What was not asked for, and letters of a verdict with its reasons.
NOT_ASKED: Final = "–"
LETTERS: Final = 48
#: Letters of a name that are kept.
NAME: Final = 28
#: What a table of percentages says of a mean free path that is none, and of a transmission that was not asked for.
POWER_LAW: Final = "power law"
CONSTANT: Final = "constant"

Rows = tuple[list[list[str]], list[int], list[tuple[int, int]]]


def region_rows(
    fits: Mapping[str, xr.Dataset], tables: Sequence[xr.Dataset], to: str | None, *, components: bool = True
) -> Rows:
    """Return the rows of the table, the rows above which a line goes, and the cells that are warnings.

    Parameters
    ----------
    fits
        ``{region: fit}``.
    tables
        Tables over ``region`` with ``normalised_area`` or ``atomic_percent``.
    to
        Line for the normalised areas where no table has them.
    components
        A row for each component, X-ray satellites left out; else one for each region.
    """
    ratios = _column(tables, "normalised_area") or (normalised_areas(fits, to) if to else {})
    percents = _column(tables, "atomic_percent")
    rows: list[list[str]] = []
    rules, warn = [], []
    for region, fit in fits.items():
        verdict, reasons = labels.verdict_of(fit)
        told = textwrap.shorten(f"{verdict}{': ' if reasons else ''}{'; '.join(reasons)}", LETTERS, placeholder=" ...")
        tail = [_cell(ratios, region), _cell(percents, region), told]
        body = _components(fit) if components else [["", "", "", ""]]
        if components and rows:
            rules.append(len(rows))
        if verdict != "ok":
            warn.append((len(rows), len(HEAD) - 1))
        rows += [
            [shortened(region, NAME) if not index else "", *cells, *(tail if not index else ["", "", ""])]
            for index, cells in enumerate(body)
        ]
    return rows, rules, warn


def facts(fits: Mapping[str, xr.Dataset], tables: Sequence[xr.Dataset]) -> list[str]:
    """Say how the sample was measured and corrected, how the fits are judged, and what the tables rest on."""
    said = [*_conditions(fits), *_charge(fits)]
    verdicts = [labels.verdict_of(fit)[0] for fit in fits.values()]
    said.append("verdicts: " + ", ".join(f"{verdicts.count(word)} {word}" for word in dict.fromkeys(verdicts)))
    for table in tables:
        if table.attrs.get("reference_line"):
            said.append(f"ref. is {table.attrs['reference_line']}")
        if table.attrs.get("library"):
            said.append(f"sensitivity factors: {table.attrs['library']}{_divisors(table)}")
        said += _numbers(table)
    said.append("points: data; black: fit; dashed grey: background; band: two standard deviations")
    return list(dict.fromkeys(said))


def _divisors(table: xr.Dataset) -> str:
    """Say what areas were divided by besides the factors: the power law, or mean free path and transmission."""
    power = float(table.attrs.get("energy_exponent", math.nan))
    path, passed = (str(table.attrs.get(name, "")) for name in ("mean_free_path", "transmission"))
    if path and path != POWER_LAW:
        law = f", mean free path: {path}"
    else:
        law = f", energy exponent {number_text(power)}" if math.isfinite(power) else ""
    return f"{law}, transmission: {passed}" if passed and (passed != CONSTANT or path != POWER_LAW) else law


def _components(fit: xr.Dataset) -> list[list[str]]:
    shares = component_amounts(fit, share=True)
    failed = labels.verdict_of(fit)[0] == "failed"
    rows = []
    for index, (own, name, kind) in enumerate(
        zip(labels.component_labels(fit), labels.curve_labels(fit), labels.component_kinds(fit), strict=True)
    ):
        if kind == "satellite":
            continue
        numbers = [
            _number(math.nan if failed else float(fit[what].values[index]), float(fit[f"{what}_unc"].values[index]))
            for what in ("center", "fwhm")
        ]
        share = shares.get(own)
        part = _number(100 * share.value, 100 * share.unc) if share else NOT_ASKED
        rows.append([shortened(name, NAME), *numbers, part])
    return rows or [["", "", "", ""]]


def _column(tables: Sequence[xr.Dataset], name: str) -> dict[str, Amount]:
    for table in tables:
        if name in table and table[name].dims == ("region",) and f"{name}_unc" in table:
            values, uncs = table[name].values, table[f"{name}_unc"].values
            return {
                str(region): Amount(float(value), float(unc))
                for region, value, unc in zip(table["region"].values, values, uncs, strict=True)
            }
    return {}


def _cell(column: Mapping[str, Amount], region: str) -> str:
    if region not in column:
        return NOT_ASKED
    return _number(column[region].value, column[region].unc)


def _number(value: float, unc: float) -> str:
    """Write a number of the table; an exact one has no brackets."""
    return brief(value, unc).removesuffix(" (fixed)")


def _numbers(table: xr.Dataset) -> list[str]:
    """Write the single numbers of a table that have an uncertainty."""
    return [
        f"{labels.long_name(array).lower()} "
        + value_text(float(array.values), float(table[f"{name}_unc"].values), str(array.attrs.get("units", "1")))
        for name, array in table.data_vars.items()
        if not array.dims and np.issubdtype(array.dtype, np.floating) and f"{name}_unc" in table
    ]


def _conditions(fits: Mapping[str, xr.Dataset]) -> list[str]:
    """Say instrument and energies, each where all regions that know it agree, else the range."""
    found = []
    instruments = dict.fromkeys(str(fit.attrs["instrument"]) for fit in fits.values() if fit.attrs.get("instrument"))
    found += [", ".join(instruments)] if instruments else []
    for key, text in (("photon_energy", "photon energy"), ("pass_energy", "pass energy")):
        values = sorted({float(fit.attrs[key]) for fit in fits.values() if key in fit.attrs})
        if values:
            ends = [number_text(value) for value in values[:: max(len(values) - 1, 1)]]
            found.append(f"{text} {' to '.join(dict.fromkeys(ends))} eV")
    return found


def _charge(fits: Mapping[str, xr.Dataset]) -> list[str]:
    """Say the charge correction of the fits; regions that differ are named."""
    told: dict[str, list[str]] = {}
    for region, fit in fits.items():
        text = "no charge correction recorded"
        if "charge_shift" in fit.attrs:
            shift, unc = float(fit.attrs["charge_shift"]), float(fit.attrs.get("charge_shift_unc", math.nan))
            line, energy = str(fit.attrs.get("charge_reference", "")), fit.attrs.get("charge_reference_energy")
            by = f" ({line}{f' at {float(energy):.2f} eV' if energy is not None else ''})" if line else ""
            text = f"charge shift {value_text(shift, unc, 'eV')}{by}"
        told.setdefault(text, []).append(region)
    return [text if len(told) == 1 else f"{text}: {', '.join(regions)}" for text, regions in told.items()]
