"""The figures of a study, drawn from its tree alone: nothing is fitted again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from surfspec import display, schema
from surfspec.display import style
from surfspec.report import layout

#: Panels in a row of the overview of one sample.
COLUMNS: Final = 3
_CM: Final = 1 / 2.54

_NORMALISED: Final = ("normalised_area", "normalised_area_unc", "normalised_area_sd", "detected", "upper_limit")


@dataclass(frozen=True)
class Drawing:
    """A figure, the file name it gets, the technique it belongs to and what it shows."""

    name: str
    technique: str
    caption: str
    figure: Figure


def draw(tree: xr.DataTree) -> Iterator[Drawing]:
    """Draw every figure of a study, one at a time.

    Parameters
    ----------
    tree
        The study.

    Yields
    ------
    Drawing
        XPS regions of each sample, samples compared, LEIS spectra, normalised areas, coverage, films by XPS and
        LEIS together, diffraction patterns and what changed between them.
    """
    taken: set[str] = set()
    for drawing in (*_xps(tree), *_leis(tree), *_joint(tree), *_xrd(tree)):
        yield replace(drawing, name=unique(drawing.name, taken))


def unique(name: str, taken: set[str]) -> str:
    """Return a name that no other has, upper and lower case alike, and note it in `taken`.

    Examples
    --------
    >>> taken = set()
    >>> [unique(name, taken) for name in ("xps_A", "xps_a", "xps_a_2")]
    ['xps_A', 'xps_a_2', 'xps_a_2_2']
    """
    found, count = name, 1
    while found.lower() in taken:
        count += 1
        found = f"{name}_{count}"
    taken.add(found.lower())
    return found


def file_name(*parts: str) -> str:
    """Return a file name made of words: letters, digits and underscores, nothing else.

    Examples
    --------
    >>> file_name("xps", "as sintered (1)")
    'xps_as_sintered_1'
    """
    text = "_".join(parts)
    return "_".join("".join(c if c.isascii() and c.isalnum() else " " for c in text).split())


def _xps(tree: xr.DataTree) -> Iterator[Drawing]:
    by_sample = {name: layout.regions(layout.nodes(tree, "fits", name)) for name in layout.samples(tree)}
    by_sample = {name: fits for name, fits in by_sample.items() if fits}
    for name, fits in by_sample.items():
        caption = (
            f"XPS of {name}: points ({_kind(tree, name)}); black, fit; filled, components on their background. "
            "A verdict other than ok stands above its panel."
        )
        yield Drawing(_file("xps", tree, name), "XPS", caption, _grid(fits, _title(tree, name)))
        yield Drawing(
            _file("xps", tree, name, "overview"),
            "XPS",
            f"{name} on one page ({_kind(tree, name)}): regions with residuals, positions, widths, areas, percentages.",
            _page(tree, name, fits),
        )
    levels = {name: _reference_level(tree, name) for name in by_sample}
    if len(by_sample) < 2 or not all(levels.values()):
        return
    line = _reference_line(tree, next(iter(by_sample)))
    shared = [region for region in next(iter(by_sample.values())) if all(region in fits for fits in by_sample.values())]
    for start in range(0, len(shared), COLUMNS):
        chunk = shared[start : start + COLUMNS]
        figure = display.plot_normalised(by_sample, to=line, regions=chunk, title=_simulated_among(tree, by_sample))
        caption = (
            f"{_lead(tree, by_sample)}{', '.join(chunk)} of the samples, background taken off, divided by the {line} "
            "area of the same sample: heights can be compared between samples. Numbers: area over that area."
        )
        yield Drawing(file_name("xps", "compared", *chunk), "XPS", caption, figure)


def _page(tree: xr.DataTree, name: str, fits: Mapping[str, xr.Dataset]) -> Figure:
    tables = layout.nodes(tree, "tables", name)
    shown = [tables[one] for one in (layout.XPS_NORMALISED, layout.XPS_QUANTIFIED) if one in tables]
    return display.plot_overview(fits, tables=shown, title=_title(tree, name))


def _grid(fits: Mapping[str, xr.Dataset], heading: str) -> Figure:
    columns = min(COLUMNS, len(fits))
    rows = -(-len(fits) // columns)
    figure = Figure(figsize=(17.8 * _CM if columns > 1 else 8.6 * _CM, 6.4 * rows * _CM), layout="constrained")
    frames = list(figure.subplots(rows, columns, squeeze=False).flat)
    for frame, (region, fit) in zip(frames, fits.items(), strict=False):
        species = list(dict.fromkeys(str(name) for name in fit["species"].values)) if "species" in fit.coords else []
        alone = len(species) == 1
        title = f"{region}: {species[0]}" if alone and species[0] else region
        display.plot_fit(fit, ax=frame, title=title, component_labels="none" if alone else "legend")
    for spare in frames[len(fits) :]:
        spare.set_axis_off()
    style.say(figure.suptitle("", x=0.01, ha="left"), heading)
    return figure


def _file(technique: str, tree: xr.DataTree, sample: str, *more: str) -> str:
    """Return the file name of a figure of one sample; a name without a Latin letter or digit becomes its number."""
    return file_name(technique, file_name(sample) or f"sample_{layout.samples(tree).index(sample) + 1}", *more)


def _kind(tree: xr.DataTree, sample: str) -> str:
    said = layout.origin(tree, sample)
    return "origin not stated" if said == "not stated" else said


def _title(tree: xr.DataTree, sample: str, *more: str) -> str:
    """Return sample and further words as a title that says so where the data are simulated."""
    text = ", ".join((sample, *more))
    return f"{text} (simulated)" if layout.is_simulated(tree, sample) else text


def _simulated_among(tree: xr.DataTree, samples: Iterable[str]) -> str:
    """Return the title of a figure of several samples: which of them are simulated."""
    every = list(samples)
    found = [name for name in every if layout.is_simulated(tree, name)]
    if len(found) == len(every):
        return "Simulated" if found else ""
    return f"Simulated: {', '.join(found)}" if found else ""


def _lead(tree: xr.DataTree, samples: Iterable[str]) -> str:
    text = _simulated_among(tree, samples)
    return f"{text}. " if text else ""


def _reference_level(tree: xr.DataTree, sample: str) -> float:
    """Return the area (per second) of the line to which a sample's areas were normalised; 0 where there is none."""
    table = layout.nodes(tree, "tables", sample).get(layout.XPS_NORMALISED)
    if table is None:
        return 0.0
    ratio = table["normalised_area"].values
    good = np.isfinite(ratio) & (ratio > 0)
    return float(table["area"].values[good][0] / ratio[good][0]) if np.any(good) else 0.0


def _reference_line(tree: xr.DataTree, sample: str) -> str:
    return str(layout.nodes(tree, "tables", sample)[layout.XPS_NORMALISED].attrs.get("reference_line", "reference"))


def _leis(tree: xr.DataTree) -> Iterator[Drawing]:
    names = layout.samples(tree)
    for name in names:
        fit = layout.nodes(tree, "fits", name).get(layout.LEIS)
        if fit is not None:
            chosen, which = _ends(fit)
            caption = (
                f"LEIS of {name}{which}: points ({_kind(tree, name)}), fit, surface peaks on their in-depth shoulders."
            )
            figure = display.plot_fit(chosen, title=_title(tree, name))
            yield Drawing(_file("leis", tree, name), "LEIS", caption, figure)
    tables = {name: layout.nodes(tree, "tables", name) for name in names}
    for name, one in tables.items():
        profile = one.get(layout.LEIS_PROFILE)
        if profile is not None and profile["normalised_area"].ndim == 2:
            caption = f"Depth profile of {name} by LEIS ({_kind(tree, name)}); line and band, the bulk and its scatter."
            figure = display.plot_profile(profile, title=_title(tree, name))
            yield Drawing(_file("leis", tree, name, "profile"), "LEIS", caption, figure)
    normalised = {n: t[layout.LEIS_NORMALISED] for n, t in tables.items() if layout.LEIS_NORMALISED in t}
    series = {n: t for n, t in normalised.items() if "dose" in t.dims}
    joined = _joined(
        series, ("normalised_area", "normalised_area_unc", "normalised_area_sd", "detected", "upper_limit")
    )
    if joined is not None:
        excluded = str(next(iter(series.values())).attrs.get("exclude", ""))
        left_out = f" without {excluded}" if excluded else ""
        caption = (
            f"{_lead(tree, series)}LEIS peak areas divided by the sum over all detected elements{left_out}, "
            "against the ion dose. "
            "Bars: standard deviation over the analysed areas. Open, with an arrow: upper limit of what is not "
            "detected."
        )
        figure = display.plot_series(
            joined,
            "normalised_area",
            along="dose",
            by="element",
            panels="sample",
            errors="sd",
            title=_simulated_among(tree, series),
        )
        yield Drawing("leis_normalised", "LEIS", caption, figure)
    covered = {n: t[layout.LEIS_COVERAGE] for n, t in tables.items() if layout.LEIS_COVERAGE in t}
    covered = {n: t for n, t in covered.items() if "dose" in t["coverage"].dims}
    if covered:
        caption = (
            f"{_lead(tree, covered)}Coverage by the film, mean over the analysed areas, against the ion dose: each "
            "spectrum is a mean over its dose interval (horizontal line). Bars and band: standard uncertainty; curve: "
            f"removal of layers; open: at zero dose.{_doubts(covered)}"
        )
        title = _simulated_among(tree, covered)
        yield Drawing("leis_coverage", "LEIS", caption, display.plot_coverage(covered, title=title, height=9.5))


def _doubts(tables: Mapping[str, xr.Dataset]) -> str:
    """Return the verdicts that are not ok, with all their reasons, which a title has no room for."""
    return "".join(
        f" {name}, {table['verdict'].item()}: {table['reasons'].item()}."
        for name, table in tables.items()
        if "verdict" in table and not table["verdict"].ndim and table["verdict"].item() != "ok"
    )


def _joint(tree: xr.DataTree) -> Iterator[Drawing]:
    for name in layout.samples(tree):
        table = layout.nodes(tree, "tables", name).get(layout.JOINT)
        if table is None:
            continue
        caption = (
            f"Film of {name} by XPS and LEIS ({_kind(tree, name)}). Left: what each allows, one standard uncertainty; "
            "ellipse, all together. Right: pull of every datum."
        )
        figure = display.plot_joint(table, title=_title(tree, name))
        yield Drawing(_file("joint", tree, name), "joint", caption, figure)


def _ends(fit: xr.Dataset) -> tuple[xr.Dataset, str]:
    """Return the first and the last spectrum of a series, at its first spot, and words that say so."""
    dims = schema.series_dims(fit)
    if not dims:
        return fit, ""
    along = "dose" if "dose" in dims else dims[-1]
    chosen = fit.isel({dim: 0 for dim in dims if dim != along})
    if fit.sizes[along] > 2:
        chosen = chosen.isel({along: [0, -1]})
    elif fit.sizes[along] == 1:
        return chosen.isel({along: 0}), ""
    others = [f"{dim} {fit[dim].values[0]}" for dim in dims if dim != along]
    return chosen, f", first and last {along}" + (f" at {', '.join(others)}" if others else "")


def _joined(tables: Mapping[str, xr.Dataset], variables: Sequence[str]) -> xr.Dataset | None:
    """Return the tables of several samples as one over ``sample``; None where there is none.

    Samples measured at other doses than the first are left to the tables: one axis for all is what makes the figure.
    """
    if not tables:
        return None
    first = next(iter(tables.values()))
    alike = {n: t for n, t in tables.items() if np.array_equal(t["dose"].values, first["dose"].values)}
    parts = [table[[name for name in variables if name in table]].reset_coords(drop=True) for table in alike.values()]
    out = xr.concat(
        parts, xr.DataArray(list(alike), dims="sample", name="sample"), join="exact", combine_attrs="override"
    )
    for name in out.variables:
        if name in first.variables:
            out[name].attrs = dict(first[name].attrs)
    out.attrs = {key: value for key, value in first.attrs.items() if key != "sample"}
    return out


def _xrd(tree: xr.DataTree) -> Iterator[Drawing]:
    for name in layout.samples(tree):
        for label, match in layout.patterns(layout.nodes(tree, "matches", name)).items():
            which = "" if label == layout.PATTERN else f" ({label})"
            caption = (
                f"XRD of {name}{which}: points ({_kind(tree, name)}), calculated from the phases found, "
                "lines of each phase, residual."
            )
            title = _title(tree, name, *([] if label == layout.PATTERN else [label]))
            yield Drawing(_file("xrd", tree, name, label), "XRD", caption, display.plot(match, title=title))
        for label, table in layout.comparisons(layout.nodes(tree, "tables", name)).items():
            first, second = str(table.attrs["from"]), str(table.attrs["to"])
            caption = (
                f"XRD of {name}: {second} beside what {first} lets expect, and their difference with a band of two "
                f"standard uncertainties ({_kind(tree, name)}). Conclusion: {table.attrs['conclusion']}."
            )
            title = _title(tree, name, f"{first} to {second}")
            figure = display.plot_changes(table, names=(first, second), title=title)
            yield Drawing(_file("xrd", tree, name, f"changes_{label}"), "XRD", caption, figure)
