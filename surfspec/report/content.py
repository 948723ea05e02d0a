"""Which tables a report has: built from the content of ``results.json`` alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from surfspec.display import unit_text
from surfspec.report import content_joint
from surfspec.report.tables import Cell, Column, Quantity, Table

Results = Mapping[str, Any]


def tables(results: Results) -> list[Table]:
    """Return the tables of a study, those without a row left out.

    Parameters
    ----------
    results
        The content of ``results.json``.
    """
    every = [
        verdicts(results),
        charge(results),
        _by_sample(
            results, "normalised_area", "region", "xps_normalised", "Normalised peak areas",
            "Areas of the fitted regions divided by the reference line of the same sample.",
        ),
        _by_sample(
            results, "atomic_percent", "element", "xps_atomic_percent", "Composition by XPS",
            "For a homogeneous sample, from areas and relative sensitivity factors. The standard uncertainties are "
            "those of counting and fitting; sensitivity factors and electron transmission add their own.",
        ),
        thickness(results),
        components(results),
        leis_normalised(results),
        leis_coverage(results),
        leis_conclusions(results),
        leis_edge(results),
        leis_profile(results),
        *content_joint.tables(results),
        phases(results),
        unexplained(results),
        changes(results),
    ]  # fmt: skip
    return [marked(table, results) for table in every if table.rows]


def marked(table: Table, results: Results) -> Table:
    """Return a table that says which of its samples are simulated; unchanged where none is.

    Tables with a row for each sample get a column, those with a column for each sample say it in the heading.
    """
    simulated = {name for name, sample in results["samples"].items() if sample.get("simulated")}
    if not simulated:
        return table
    if table.columns[0].name == "sample":
        rows = tuple((*row, _origin(results["samples"][row[0]])) for row in table.rows)
        return replace(table, columns=(*table.columns, Column("origin of the data")), rows=rows)
    headed = (replace(c, name=f"{c.name} (simulated)") if c.name in simulated else c for c in table.columns[1:])
    return replace(table, columns=(table.columns[0], *headed))


def _origin(sample: Mapping[str, Any]) -> str:
    return "simulated" if sample.get("simulated") else str(sample.get("origin", "not stated"))


def q(value: Mapping[str, Any] | None) -> Quantity | None:
    """Turn the JSON form of a quantity into a cell."""
    if value is None or value.get("value") is None:
        return None
    unc = value.get("unc")
    return Quantity(float(value["value"]), math.nan if unc is None else float(unc))


def part(results: Results, technique: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the samples that have a technique, with its results."""
    for name, sample in results["samples"].items():
        if technique in sample:
            yield name, sample[technique]


def patterns(results: Results) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield sample, label and results of every diffraction pattern."""
    for name, xrd in part(results, "xrd"):
        for label, entry in xrd.items():
            if label != "changes":
                yield name, label, entry


def verdicts(results: Results) -> Table:
    """Return one row for every fit and match: its verdict and the reasons."""
    rows: list[tuple[Cell, ...]] = []
    for name, xps in part(results, "xps"):
        for region, verdict in xps["verdict"].items():
            rows.append((name, "XPS", region, verdict, "; ".join(xps["reasons"].get(region, []))))
    for name, leis in part(results, "leis"):
        rows.append((name, "LEIS", "spectra", leis["verdict"], "; ".join(leis["reasons"])))
    for name, label, entry in patterns(results):
        rows.append((name, "XRD", label, entry["verdict"], "; ".join(entry.get("reasons", []))))
    for name, joint in part(results, "joint"):
        if "detail" in joint:
            found = joint["detail"]
            rows.append((name, "XPS and LEIS", "film", found["verdict"], "; ".join(found["reasons"])))
    return Table(
        "verdicts",
        "Verdicts",
        (Column("sample"), Column("technique"), Column("data"), Column("verdict", kind="verdict"), Column("reasons")),
        tuple(rows),
    )


def charge(results: Results) -> Table:
    """Return the shift of the binding-energy scale of every sample."""
    rows = tuple((name, q(xps["charge_shift"])) for name, xps in part(results, "xps") if xps["charge_shift"])
    return Table(
        "xps_charge_shift",
        "Charge correction",
        (Column("sample"), Column("reference line, measured minus reference", "eV", "quantity")),
        rows,
        "Subtracted from the binding energies of all regions of the sample.",
    )


def _by_sample(results: Results, key: str, label: str, name: str, title: str, note: str) -> Table:
    names = [sample for sample, xps in part(results, "xps") if any(xps[key].values())]
    entries = {sample: xps[key] for sample, xps in part(results, "xps")}
    labels = dict.fromkeys(entry for sample in names for entry in entries[sample])
    units = [one["unit"] for sample in names for one in entries[sample].values() if one]
    unit = units[0] if units else ""
    rows = tuple((entry, *(q(entries[sample].get(entry)) for sample in names)) for entry in labels)
    columns = (Column(label), *(Column(sample, unit, "quantity") for sample in names))
    return Table(name, title, columns, rows if names else (), note)


def thickness(results: Results) -> Table:
    """Return the films that XPS was asked for: thickness, coverage, limits, and what the lines say to it."""
    rows: list[tuple[Cell, ...]] = []
    for name, xps in part(results, "xps"):
        if "thickness_detail" in xps:
            found = xps["thickness_detail"]
            rows.append(
                (
                    name, f"{found['film']} on {found['substrate']}", found["model"], q(xps["thickness"]),
                    q(found["coverage"]), q(found["mean_thickness"]), _number(found["lower_limit"]),
                    _number(found["upper_limit"]), found["verdict"], "; ".join(found["reasons"]),
                )
            )  # fmt: skip
    return Table(
        "xps_thickness",
        "Film by XPS",
        (
            Column("sample"), Column("film"), Column("model"), Column("thickness", "nm", "quantity"),
            Column("coverage", "", "quantity"), Column("coverage times thickness", "nm", "quantity"),
            Column("lower limit", "nm", "number", digits=3), Column("upper limit", "nm", "number", digits=3),
            Column("verdict", kind="verdict"), Column("reasons"),
        ),
        tuple(rows),
        "From the lines that the film adds and those that it attenuates, all errors of the inputs in the fit. A "
        "uniform film is the equivalent of a patchy one. Limits are one-sided; an empty one is none.",
    )  # fmt: skip


def components(results: Results) -> Table:
    """Return centre, width, area and share of every fitted XPS component."""
    rows: list[tuple[Cell, ...]] = []
    unit = "counts eV"
    for name, xps in part(results, "xps"):
        for region, peaks in xps["components"].items():
            for peak, found in peaks.items():
                rows.append((name, region, peak, *(q(found[key]) for key in ("center", "fwhm", "area", "fraction"))))
                unit = (found["area"] or {}).get("unit", unit)
    return Table(
        "xps_components",
        "Fitted XPS components",
        (
            Column("sample"), Column("region"), Column("component"), Column("centre", "eV", "quantity"),
            Column("FWHM", "eV", "quantity"), Column("area", unit, "quantity"),
            Column("share of region", "", "quantity"),
        ),
        tuple(rows),
    )  # fmt: skip


def leis_normalised(results: Results) -> Table:
    """Return the normalised LEIS areas of every sample, element and dose."""
    rows: list[tuple[Cell, ...]] = []
    for name, leis in part(results, "leis"):
        for element, series in leis["normalised_area"].items():
            for one in series:
                detected = one.get("detected")
                rows.append(
                    (name, element, _number(one.get("dose")), q(one), _number(one.get("sd")), _yes(detected)),
                )
    return Table(
        "leis_normalised",
        "Normalised LEIS peak areas",
        (
            Column("sample"), Column("element"), Column("dose", "ions/cm2", "number"), Column("mean", "", "quantity"),
            Column("standard deviation over areas", "", "number", digits=2), Column("detected"),
        ),
        tuple(rows),
        "Mean over the analysed areas. The dose is the one cumulated at the end of a spectrum.",
    )  # fmt: skip


def leis_coverage(results: Results) -> Table:
    """Return the coverage of the film against the ion dose."""
    rows = [(name, _number(one["dose"]), q(one)) for name, leis in part(results, "leis") for one in leis["coverage"]]
    return Table(
        "leis_coverage",
        "Coverage against ion dose",
        (Column("sample"), Column("dose", "ions/cm2", "number"), Column("coverage", "", "quantity")),
        tuple(rows),
    )


def leis_conclusions(results: Results) -> Table:
    """Return what the LEIS series of each sample say as a whole."""
    rows: list[tuple[Cell, ...]] = []
    for name, leis in part(results, "leis"):
        for key, label in (
            ("energy_offset", "offset of the peak maxima from the elastic energies"),
            ("zero_dose_coverage", "coverage at zero dose"),
            ("removal_cross_section", "removal cross-section"),
            ("thickness", "film thickness"),
        ):
            if leis.get(key):
                rows.append((name, label, q(leis[key]), unit_text(leis[key]["unit"])))
        layers = leis.get("monolayers") or {}
        if layers.get("value") is not None:
            rows.append((name, "monolayers", str(layers["value"]), "; ".join(map(str, layers.get("not_excluded", [])))))
        budget = leis.get("sputter_budget_nm")
        if budget and all(limit is not None for limit in budget):
            rows.append((name, "depth that the ions can have removed", f"{budget[0]:.2g} to {budget[1]:.2g}", "nm"))
    return Table(
        "leis_conclusions",
        "LEIS: film and dose series",
        (Column("sample"), Column("quantity"), Column("value", "", "quantity"), Column("unit or note")),
        tuple(rows),
    )


def leis_edge(results: Results) -> Table:
    """Return the thickness by the in-depth edge against the ion dose."""
    rows: list[tuple[Cell, ...]] = [
        (name, _number(one["dose"]), q(one), _number(one["stat_unc"]), _yes(one["patches"]))
        for name, leis in part(results, "leis")
        for one in leis.get("edge_thickness", [])
        if one["value"] is not None
    ]
    return Table(
        "leis_edge",
        "Film thickness by the in-depth edge",
        (
            Column("sample"), Column("dose", "ions/cm2", "number"), Column("thickness", "nm", "quantity"),
            Column("statistical part of its uncertainty", "nm", "number", digits=2), Column("bare parts beside it"),
        ),
        tuple(rows),
        "Where the film covers. What the statistical part leaves is the stopping and the re-ionisation loss, common "
        "to all.",
    )  # fmt: skip


def leis_profile(results: Results) -> Table:
    """Return the elements over the cycles of sputter depth profiles, and their bulk."""
    rows: list[tuple[Cell, ...]] = [
        (name, element, _number(one["cycle"]), q(one), _yes(one["detected"]), q(leis["bulk"].get(element)))
        for name, leis in part(results, "leis")
        for element, series in leis.get("depth_profile", {}).items()
        for one in series
    ]
    return Table(
        "leis_profile",
        "Depth profile by LEIS",
        (
            Column("sample"), Column("element"), Column("cycle", "", "number"),
            Column("normalised area", "", "quantity"), Column("detected"), Column("bulk", "", "quantity"),
        ),
        tuple(rows),
        "Bulk: mean over the cycles from which on nothing changes.",
    )  # fmt: skip


def phases(results: Results) -> Table:
    """Return the phases found in every diffraction pattern."""
    rows: list[tuple[Cell, ...]] = []
    for name, label, entry in patterns(results):
        for phase in entry["phases"]:
            rows.append(
                (
                    name, label, phase["name"], phase["formula"], phase["space_group"], _card(phase),
                    _number(phase["probability"]), _number(phase["score"]), _pair(phase, "weight_fraction"),
                    _missing_lines(phase["missing"]),
                )
            )  # fmt: skip
    return Table(
        "xrd_phases",
        "Phases",
        (
            Column("sample"), Column("pattern"), Column("phase"), Column("formula"), Column("space group"),
            Column("card"), Column("probability", "", "number", digits=3), Column("score", "", "number", digits=3),
            Column("weight fraction", "", "quantity"), Column("expected lines not seen"),
        ),
        tuple(rows),
        "Card: grade of the phase card, from A (read in a structure file of its source) to D; 'unverified' where "
        "nobody compared it with its source, see 'surfspec phases'. Weight fractions are those of the identified "
        "crystalline part: what stays unexplained, and what is not crystalline, is not in them.",
    )  # fmt: skip


def unexplained(results: Results) -> Table:
    """Return the lines of every pattern that no phase explains."""
    rows = [
        (name, label, _number(line["two_theta"]), _number(line["d"]), _number(line["relative_intensity"]))
        for name, label, entry in patterns(results)
        for line in entry["unexplained"]
    ]
    return Table(
        "xrd_unexplained",
        "Lines that no phase explains",
        (
            Column("sample"), Column("pattern"), Column("2θ", "deg", "number"), Column("d", "angstrom", "number"),
            Column("relative intensity", "", "number"),
        ),
        tuple(rows),
    )  # fmt: skip


def changes(results: Results) -> Table:
    """Return what came and went between the patterns of one sample, with its limits."""
    rows = [
        (
            name, change["from"], change["to"], change["phase"] or "", change["change"],
            _percent(change.get("detection_limit")), _percent(change.get("limit")), change.get("conclusion") or "",
        )
        for name, xrd in part(results, "xrd")
        for change in xrd.get("changes", [])
    ]  # fmt: skip
    columns = (
        Column("sample"), Column("from"), Column("to"), Column("phase"), Column("change"),
        Column("seen where absent from", "wt%", "number", digits=2),
        Column("at most came (95 %)", "wt%", "number", digits=2), Column("conclusion"),
    )  # fmt: skip
    return Table("xrd_changes", "Changes between patterns", columns, tuple(rows))


def _percent(fraction: float | None) -> float | None:
    return None if fraction is None else 100.0 * fraction


def _card(phase: Mapping[str, Any]) -> str:
    """Return the grade of a card, and whether nobody compared it with its source."""
    return f"{phase.get('trust', '')}{'' if phase.get('verified', True) else ' unverified'}".strip()


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _yes(value: object) -> str:
    return "" if value is None else ("yes" if value else "no")


def _pair(entry: Mapping[str, Any], key: str) -> Quantity | None:
    return q({"value": entry.get(key), "unc": entry.get(f"{key}_unc")})


def _missing_lines(lines: Sequence[Any]) -> str:
    """Return lines as their indices and angles: "100 (17.48°)"."""
    return ", ".join(f"{_indices(line.get('hkl', ()))} ({line['two_theta']:.2f}°)" for line in lines)


def _indices(hkl: Sequence[int]) -> str:
    return " ".join(str(index) for index in hkl) if any(not 0 <= i < 10 for i in hkl) else "".join(map(str, hkl))
