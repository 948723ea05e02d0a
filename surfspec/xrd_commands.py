"""What the commands of powder diffraction do: arguments in, an `Answer` out, as in `surfspec.commands`."""

from __future__ import annotations

import math
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from surfspec import display, io, storage, xrd
from surfspec.commands import PICTURES, Answer, check_target, in_columns, label_of, reading_options, words
from surfspec.errors import InputError
from surfspec.report.quantities import finite, number, reasons_of, worst
from surfspec.study.reading import full_path, in_file

Say = Callable[[str], None]


def identify(arguments: Namespace, say: Say) -> Answer:
    """Find the phases of powder patterns."""
    _check_outputs(arguments)
    recipe = xrd.Recipe(never=tuple(words(arguments.never)), must=tuple(words(arguments.must)))
    candidates = _candidates(arguments)
    files: list[dict[str, Any]] = []
    texts: list[str] = []
    kept: dict[str, tuple[xr.Dataset, xr.Dataset]] = {}
    for name in arguments.files:
        spectrum, wavelength = _pattern_of(name, arguments, say)
        say(f"identifying {name}")
        with in_file(Path(name)):
            found = xrd.match(spectrum, recipe, phases=candidates, wavelength=wavelength)
        simulated = display.labels.is_simulated(spectrum)
        files.append({"path": name, "simulated": simulated, **finite(xrd.report(found))})
        texts.append(f"{name}\n{display.summary(found)}")
        kept[label_of(name, kept)] = (spectrum, found)
    if arguments.figure:
        _draw(found, arguments, say)
    if arguments.output:
        tree = storage.bundle(
            spectra={label: {"xrd": pair[0]} for label, pair in kept.items()},
            matches={label: {"xrd": pair[1]} for label, pair in kept.items()},
        )
        storage.save(tree, arguments.output, overwrite=arguments.force)
        say(f"saved {arguments.output}")
    return Answer({"files": files}, "\n\n".join(texts), worst(entry["verdict"] for entry in files))


def refine(arguments: Namespace, say: Say) -> Answer:
    """Refine cells, profiles and amounts of phases that are named, or found first."""
    _check_outputs(arguments)
    files: list[dict[str, Any]] = []
    texts: list[str] = []
    kept: dict[str, tuple[xr.Dataset, xr.Dataset]] = {}
    named = [phase for name in words(arguments.phases) for phase in _phase(name)]
    for name in arguments.files:
        spectrum, wavelength = _pattern_of(name, arguments, say)
        with in_file(Path(name)):
            start: xr.Dataset | list[xrd.Phase] = named
            if not named:
                say(f"identifying {name}")
                start = xrd.match(spectrum, elements=words(arguments.elements) or None, wavelength=wavelength)
            say(f"refining {name}")
            fitted = xrd.refine(spectrum, start, wavelength=wavelength)
        files.append({"path": name, "simulated": display.labels.is_simulated(spectrum), **_refined(fitted)})
        texts.append(f"{name}\n{display.summary(fitted)}")
        kept[label_of(name, kept)] = (spectrum, fitted)
    if arguments.figure:
        _draw(fitted, arguments, say)
    if arguments.output:
        tree = storage.bundle(
            spectra={label: {"xrd": pair[0]} for label, pair in kept.items()},
            fits={label: {"xrd": pair[1]} for label, pair in kept.items()},
        )
        storage.save(tree, arguments.output, overwrite=arguments.force)
        say(f"saved {arguments.output}")
    return Answer({"files": files}, "\n\n".join(texts), worst(entry["verdict"] for entry in files))


def pattern(arguments: Namespace, say: Say) -> Answer:
    """List the lines that phases would have."""
    if arguments.figure:
        check_target(Path(arguments.figure), PICTURES, [], force=arguments.force)
    span = _span(arguments.two_theta)
    if not 0 <= arguments.least <= 100:
        raise InputError(
            f"{arguments.least} is no part of the strongest line", where="--least", remedy="Give a number from 0 to 100"
        )
    cards = [phase for name in arguments.phases for phase in _phase(name)]
    wavelength = _wavelength(arguments.wavelength) or "CuKa1"
    tables = [xrd.pattern(card, wavelength=wavelength, two_theta=span) for card in cards]
    document, texts = [], []
    for card, table in zip(cards, tables, strict=True):
        strong = _columns(table.isel(reflection=table["relative_intensity"].values >= arguments.least))
        document.append({
            "id": card.id, "formula": card.formula, "trust": card.trust, "verified": card.verified,
            "wavelength": float(table.attrs["wavelength"]),
            "lines": [
                {"hkl": [int(index) for index in hkl.split()], "two_theta": round(place, 4), "d": round(d, 5),
                 "relative_intensity": round(part, 2)}
                for hkl, place, d, part in strong
            ],
        })  # fmt: skip
        rows = [(hkl, f"{place:.3f}", f"{d:.4f}", f"{part:.1f}") for hkl, place, d, part in strong]
        told = "" if card.verified else ", unverified card"
        head = f"{card.name} {card.formula} ({table.attrs['wavelength_name']}{told})"
        texts.append(f"{head}\n{in_columns(('hkl', '2theta (deg)', 'd (A)', 'I (%)'), rows)}")
    if arguments.figure:
        target = Path(arguments.figure)
        figure = display.plot_pattern(_drawn(cards, tables, span), cards=tables)
        display.save_figure(figure, target.with_suffix(""), (target.suffix[1:].lower(),))
        say(f"drew {arguments.figure}")
    return Answer({"phases": document}, "\n\n".join(texts))


def phases(arguments: Namespace, say: Say) -> Answer:
    """List the phases that surfspec knows."""
    say("loading phase cards")
    cards = xrd.phases(elements=words(arguments.elements) or None, folder=arguments.folder)
    document = [
        {
            "id": card.id, "name": card.name, "formula": card.formula, "space_group": card.space_group,
            "cell": list(card.cell), "source": card.source, "trust": card.trust, "verified": card.verified,
        }
        for card in cards
    ]  # fmt: skip
    rows = [(c.id, c.formula, c.space_group, c.name, c.trust if c.verified else f"{c.trust} unverified") for c in cards]
    return Answer({"phases": document}, in_columns(("id", "formula", "space group", "name", "trust"), rows))


def _columns(table: xr.Dataset) -> list[tuple[str, float, float, float]]:
    """Return hkl, 2 theta (deg), d (angstrom) and relative intensity (%) of each line."""
    hkl = np.stack([table[axis].values for axis in "hkl"], axis=1)
    names = [" ".join(str(index) for index in row) for row in hkl.tolist()]
    numbers = (table[key].values.tolist() for key in ("reflection_two_theta", "d", "relative_intensity"))
    return list(zip(names, *numbers, strict=True))


def _drawn(
    cards: Sequence[xrd.Phase], tables: Sequence[xr.Dataset], span: tuple[float, float]
) -> dict[str, xr.Dataset]:
    """Calculate the patterns of phases on one grid, strongest line 100 each."""
    angles = [span[0] + 0.02 * step for step in range(int((span[1] - span[0]) / 0.02))]
    light = [str(table.attrs["wavelength_name"]) for table in tables]
    names = [card.formula if [one.formula for one in cards].count(card.formula) == 1 else card.id for card in cards]
    return {
        name: xrd.pattern(card, wavelength=one, two_theta=angles)
        for name, card, one in zip(names, cards, light, strict=True)
    }


def _span(text: str) -> tuple[float, float]:
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        low = high = math.nan
    if not 0 <= low < high - 1 or high > 179:
        raise InputError(f"{text!r} is no range", where="--two-theta", remedy="Give LOW,HIGH in degrees: 10,80")
    return low, high


def _candidates(arguments: Namespace) -> tuple[xrd.Phase, ...] | None:
    """Return the phases among which to look; None for all cards."""
    elements = words(arguments.elements)
    if not arguments.phases:
        return tuple(xrd.phases(elements=elements)) if elements else None
    return tuple(dict.fromkeys(phase for name in words(arguments.phases) for phase in _phase(name)))


def _phase(name: str) -> Sequence[xrd.Phase]:
    return [xrd.read_cif(name)] if name.lower().endswith(".cif") else xrd.phases([name])


def _pattern_of(name: str, arguments: Namespace, say: Say) -> tuple[xr.Dataset, str | float | None]:
    """Read a pattern whose wavelength is known."""
    say(f"reading {name}")
    wavelength = _wavelength(arguments.wavelength)
    with full_path(Path(name)):
        spectrum = io.read(name, wavelength=wavelength, **{**reading_options(arguments), "technique": "XRD"})
    if wavelength is None and not {"wavelength", "wavelength_name"} & set(spectrum.attrs):
        remedy = "Say it with --wavelength, 'CuKa' or in angstrom"
        raise InputError("the file does not say its wavelength", where=name, remedy=remedy)
    return spectrum, wavelength


def _wavelength(text: str | None) -> str | float | None:
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        return text


def _check_outputs(arguments: Namespace) -> None:
    """Refuse files to write that cannot be, before anything is calculated."""
    inputs = [*arguments.files, *words(arguments.phases)]
    if arguments.output:
        check_target(Path(arguments.output), (".nc",), inputs, force=arguments.force)
    if arguments.figure:
        if len(arguments.files) > 1:
            raise InputError("one figure for several files", where="--figure", remedy="Draw them one by one")
        check_target(Path(arguments.figure), PICTURES, inputs, force=arguments.force)


def _draw(result: xr.Dataset, arguments: Namespace, say: Say) -> None:
    target = Path(arguments.figure)
    figure = display.plot(result, yscale=arguments.scale)
    display.save_figure(figure, target.with_suffix(""), (target.suffix[1:].lower(),))
    say(f"drew {arguments.figure}")


def _refined(fitted: xr.Dataset) -> dict[str, Any]:
    """Return one refinement for machines: agreement, and cell, weight and scale of each phase."""
    phases = []
    for i, name in enumerate(fitted["component"].values):
        one = fitted.isel(component=i)
        cell = {axis: number(one["cell_length"].values[k]) for k, axis in enumerate("abc")}
        cell |= {axis: number(one["cell_angle"].values[k]) for k, axis in enumerate(("alpha", "beta", "gamma"))}
        unc = {axis: number(one["cell_length_unc"].values[k]) for k, axis in enumerate("abc")}
        unc |= {axis: number(one["cell_angle_unc"].values[k]) for k, axis in enumerate(("alpha", "beta", "gamma"))}
        phases.append({
            "id": str(name), "cell": cell, "cell_unc": unc, "volume": number(one["cell_volume"].values),
            "volume_unc": number(one["cell_volume_unc"].values),
            "weight_fraction": number(one["weight_fraction"].values),
            "weight_fraction_unc": number(one["weight_fraction_unc"].values), "r_bragg": number(one["r_bragg"].values),
            "flag": str(one["flag"].values),
        })  # fmt: skip
    agreement = {key: number(fitted[key].values) for key in ("r_wp", "r_exp", "goodness_of_fit")}
    return {"verdict": str(fitted["verdict"].values), "reasons": reasons_of(fitted), **agreement, "phases": phases}
