"""What the commands of the command line do: arguments in, an `Answer` out. `surfspec.cli` prints it."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from surfspec import display, io, leis, recipes, reference, report, schema, storage, study, xps
from surfspec.errors import InputError
from surfspec.fitting.progress import ProgressBar
from surfspec.io import writing
from surfspec.report import layout, statements
from surfspec.report.figures import file_name
from surfspec.report.quantities import finite, number, reasons_of, worst
from surfspec.study.reading import full_path, in_file

_REGION = "{region}"
PICTURES = (".png", ".svg", ".pdf")
#: Members of a series from which a fit shows its progress.
SHOWN = 8

Say = Callable[[str], None]


@dataclass(frozen=True)
class Answer:
    """What a command found: a document for machines, text for people, and the worst verdict in it."""

    document: Mapping[str, Any]
    text: str
    verdict: str = "ok"


def info(arguments: Namespace, say: Say) -> Answer:
    """Say what files hold."""
    files, texts = [], []
    for name in arguments.files:
        say(f"reading {name}")
        found = _datasets(name, arguments)
        files.append({"path": name, "datasets": [_facts(place, one) for place, one in found.items()]})
        texts += [f"{name}{f' · {place}' if place else ''}\n{display.summary(one)}" for place, one in found.items()]
    return Answer({"files": files}, "\n\n".join(texts))


def _facts(place: str, one: xr.Dataset) -> dict[str, Any]:
    facts: dict[str, Any] = {"name": place, "kind": schema.kind_of(one)}
    if "intensity" in one:
        axis = schema.axis_of(one)
        values = one[axis].values
        facts |= {"axis": axis, "low": float(values[0]), "high": float(values[-1]), "points": int(values.size)}
        facts["unit"] = schema.AXES[axis][0]
        facts["intensity_unit"] = str(one["intensity"].attrs.get("units", ""))
        facts["series"] = {dim: int(one.sizes[dim]) for dim in schema.series_dims(one)}
    facts["attrs"] = {str(key): value for key, value in one.attrs.items() if key not in ("kind", "recipe")}
    cleaned: dict[str, Any] = finite(facts)
    return cleaned


def fit(arguments: Namespace, say: Say) -> Answer:
    """Fit spectra with one recipe."""
    if arguments.output:
        inputs = [*arguments.files, arguments.recipe]
        check_target(Path(arguments.output), (".nc",), inputs, force=arguments.force)
    if arguments.figure:
        if len(arguments.files) > 1:
            raise InputError("one figure for several files", where="--figure", remedy="Draw them one by one")
        inputs = [*arguments.files, arguments.recipe]
        check_target(Path(arguments.figure), PICTURES, inputs, force=arguments.force)
    recipe = _recipe(arguments.recipe, arguments.technique)
    files: list[dict[str, Any]] = []
    texts: list[str] = []
    kept: dict[str, tuple[xr.Dataset, xr.Dataset]] = {}
    for name in arguments.files:
        say(f"reading {name}")
        spectrum = _region(name, recipe, arguments)
        say(f"fitting {name}")
        with in_file(Path(name)):
            fitted = _fitted(spectrum, recipe, arguments)
        warnings = _warnings(fitted)
        files += [_fit_entry(name, place, member, warnings) for place, member in _members(fitted)]
        texts.append("\n".join([name, display.summary(fitted), *map(str, warnings)]))
        kept[label_of(name, kept)] = (spectrum, fitted)
    if arguments.figure:
        target = Path(arguments.figure)
        display.save_figure(display.plot(fitted), target.with_suffix(""), (target.suffix[1:].lower(),))
        say(f"drew {arguments.figure}")
    if arguments.output:
        tree = storage.bundle(
            spectra={label: {"data": pair[0]} for label, pair in kept.items()},
            fits={label: {"data": pair[1]} for label, pair in kept.items()},
        )
        storage.save(tree, arguments.output, overwrite=arguments.force)
        say(f"saved {arguments.output}")
    return Answer({"files": files}, "\n\n".join(texts), worst(entry["verdict"] for entry in files))


def _fitted(spectrum: xr.Dataset, recipe: xps.Recipe | leis.Recipe, arguments: Namespace) -> xr.Dataset:
    """Fit one spectrum or series, or show where its fit would begin."""
    members = int(np.prod([spectrum.sizes[dim] for dim in schema.series_dims(spectrum)], dtype=int))
    progress = None if arguments.quiet or members < SHOWN else ProgressBar()
    if not isinstance(recipe, xps.Recipe):
        if arguments.start_only or arguments.energy_shift is not None:
            raise InputError(
                "this is a LEIS recipe", where="--start-only, --energy-shift", remedy="Use them with an XPS recipe"
            )
        return leis.fit(spectrum, recipe, progress=progress)
    shifts = {"shift_search": arguments.shift_search, "energy_shift": arguments.energy_shift}
    if arguments.start_only:
        return xps.start_values(spectrum, recipe, **shifts)
    return xps.fit(spectrum, recipe, progress=progress, **shifts)


def _recipe(name: str, technique: str | None) -> xps.Recipe | leis.Recipe:
    """Load a recipe by name or file; the words of a file tell its technique unless it is said."""
    if not name.lower().endswith((".yaml", ".yml")):
        if technique == "LEIS":
            raise InputError(
                f"there is no shipped LEIS recipe '{name}'",
                where="--recipe",
                remedy="Write a file with elements, ion, energy and angle, and pass its path",
            )
        return xps.load_recipe(name)
    chosen = technique or ("LEIS" if _has_key(Path(name), "elements") else "XPS")
    return recipes.load_file(name, leis.Recipe) if chosen == "LEIS" else recipes.load_file(name, xps.Recipe)


def _has_key(path: Path, key: str) -> bool:
    """Tell whether a top-level key stands in a YAML file; a file that cannot be read is left to the loader."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return False
    return any(line.split(":")[0].strip() == key for line in lines if line[:1] not in (" ", "#"))


def _region(name: str, recipe: xps.Recipe | leis.Recipe, arguments: Namespace) -> xr.Dataset:
    """Read the spectrum that a recipe is for: the only one of a file, else the one of the recipe's region."""
    technique = "XPS" if isinstance(recipe, xps.Recipe) else "LEIS"
    options = {**reading_options(arguments), "technique": technique}
    with full_path(Path(name)):
        every = list(io.read_tree(name, **options).children.values())
        if len(every) == 1:
            return every[0].to_dataset(inherit=False)
        return io.read(name, region=recipe.region if isinstance(recipe, xps.Recipe) else None, **options)


def _members(fitted: xr.Dataset) -> Iterable[tuple[dict[str, Any], xr.Dataset]]:
    """Yield every member of a fit with its place in the series."""
    dims = schema.series_dims(fitted)
    for index in product(*(range(fitted.sizes[dim]) for dim in dims)):
        chosen = dict(zip(dims, index, strict=True))
        place = {dim: fitted[dim].values[i].item() if dim in fitted.coords else i for dim, i in chosen.items()}
        yield place, fitted.isel(chosen)


def _warnings(fitted: xr.Dataset) -> tuple[xps.Advice, ...]:
    """Return what an expert would warn of; nothing of start values and of other techniques."""
    fitted_at_all = not np.all(np.char.startswith(fitted["reasons"].values.astype(str), "not fitted"))
    return xps.advise(fitted) if fitted.attrs["technique"] == "XPS" and fitted_at_all else ()


def _fit_entry(
    path: str, place: Mapping[str, Any], member: xr.Dataset, warnings: tuple[xps.Advice, ...]
) -> dict[str, Any]:
    components = []
    for i, name in enumerate(member["component"].values):
        one: dict[str, Any] = {"name": str(name)}
        for key in ("center", "fwhm", "area"):
            one[key] = number(member[key].values[i])
            one[f"{key}_unc"] = number(member[f"{key}_unc"].values[i])
        one["flag"] = str(member["flag"].values[i])
        components.append(one)
    entry = {
        "path": path,
        "region": str(member.attrs.get("region", "")),
        "verdict": str(member["verdict"].values),
        "reasons": reasons_of(member),
        "reduced_chi2": number(member["reduced_chi2"].values),
        "components": components,
    }
    if member.attrs["technique"] == "XPS":
        entry["warnings"] = [
            {"level": w.level, "code": w.code, "about": w.about, "reason": w.reason, "remedy": w.remedy}
            for w in warnings
        ]
    return {**entry, "member": finite(dict(place))} if place else entry


def run(arguments: Namespace, say: Say) -> Answer:
    """Run a study file."""
    return _study(Path(arguments.study), arguments, say)


def demo(arguments: Namespace, say: Say) -> Answer:
    """Run the simulated study that comes with the package."""
    say("the data of this study are SIMULATED; their truth lies beside them")
    return _study(reference.path("nasicon_study", "study.yaml"), arguments, say)


def _study(path: Path, arguments: Namespace, say: Say) -> Answer:
    folder = Path(arguments.output)
    tree = study.run(path, folder, force=arguments.force, progress=say)
    found = report.results(tree)
    lines = [f"{found['study']}: {found['verdict']}", *statements.to_check(found, layout.all_notes(tree))]
    lines.append(f"report: {(folder / 'report.html').absolute()}")
    return Answer(found, "\n".join(lines), found["verdict"])


def convert(arguments: Namespace, say: Say) -> Answer:
    """Convert a file of spectra into another format; ``{region}`` in the target makes one file for each spectrum."""
    say(f"reading {arguments.source}")
    found = _datasets(arguments.source, arguments)
    targets = _targets(arguments.target, list(found), arguments.source)
    for target in targets:
        check_target(target, (".nc", *writing.ENDINGS), [arguments.source], force=arguments.force)
    if len(set(targets)) < len(targets):
        raise InputError(
            "two spectra would go into one file",
            where=arguments.target,
            remedy="Convert to .nc, which holds them all",
        )
    if len(targets) == 1 and targets[0].suffix.lower() == ".nc":
        data = next(iter(found.values())) if len(found) == 1 else xr.DataTree.from_dict(dict(found))
        storage.save(data, targets[0], overwrite=arguments.force)
    else:
        for target, one in zip(targets, found.values(), strict=True):
            say(f"writing {target}")
            if target.suffix.lower() == ".nc":
                storage.save(one, target, overwrite=arguments.force)
            else:
                io.write(one, target, overwrite=arguments.force)
    names = [str(target) for target in targets]
    document = {"source": arguments.source, "targets": names, "spectra": list(found)}
    return Answer(document, "\n".join(f"wrote {name}" for name in names))


def check_target(target: Path, endings: Sequence[str], sources: Sequence[str], *, force: bool) -> None:
    """Refuse a file to write that has an unknown ending, is an input, exists, or lies in no folder."""
    if target.suffix.lower() not in endings:
        what = f"unknown ending {target.suffix!r}" if target.suffix else "no ending, which tells the format"
        raise InputError(what, where=target, remedy=f"Use {', '.join(endings)}")
    if not target.parent.is_dir():
        raise InputError("its folder does not exist", where=target, remedy=f"Make {target.parent} first")
    if not target.exists():
        return
    if any(Path(source).exists() and target.samefile(source) for source in sources):
        raise InputError("this is the file that is read", where=target, remedy="Choose another name for the result")
    if not force:
        raise InputError("the file exists", where=target, remedy="Say --force to replace it, or choose another name")


def _targets(pattern: str, labels: Sequence[str], source: str) -> list[Path]:
    """Return the files to write: one for all in a .nc file or where there is one spectrum, else one for each."""
    if _REGION in pattern:
        return [Path(pattern.replace(_REGION, file_name(label) or "spectrum")) for label in labels]
    if len(labels) == 1 or pattern.lower().endswith(".nc"):
        return [Path(pattern)]
    raise InputError(
        f"{len(labels)} spectra do not fit into one file of this kind: {', '.join(labels)}",
        where=source,
        remedy="Put {region} into the name of the target, or convert to a .nc file, which holds them all",
    )


def recipes_command(arguments: Namespace, say: Say) -> Answer:
    """List the shipped recipes."""
    del arguments, say
    loaded = [xps.load_recipe(name) for name in xps.recipe_names()]
    document = [
        {
            "name": one.region, "technique": "xps", "window": list(one.window), "background": one.background.kind,
            "peaks": _states(one), "doc": one.doc,
        }
        for one in loaded
    ]  # fmt: skip
    rows = [
        (one.region, f"{one.window[0]:g} to {one.window[1]:g} eV", one.background.kind,
         ", ".join(_states(one)))
        for one in loaded
    ]  # fmt: skip
    return Answer({"recipes": document}, in_columns(("region", "window", "background", "states"), rows))


def _states(recipe: xps.Recipe) -> list[str]:
    return [entry.name for entry in recipe.entries()]


def reading_options(arguments: Namespace) -> dict[str, str]:
    """Return what the user said of files that do not say it themselves."""
    every = {name: getattr(arguments, name) for name in ("technique", "axis", "units", "decimal")}
    return {name: value for name, value in every.items() if value is not None}


def _datasets(name: str, arguments: Namespace) -> dict[str, xr.Dataset]:
    """Return every Dataset of a file, by its place in it: a measurement of any known format, or a saved study."""
    if Path(name).suffix.lower() == ".nc":
        loaded = storage.load(name)
        if isinstance(loaded, xr.Dataset):
            return {"": loaded}
        return {node.path.lstrip("/"): node.to_dataset(inherit=False) for node in loaded.subtree if node.has_data}
    with full_path(Path(name)):
        children = io.read_tree(name, **reading_options(arguments)).children
    return {str(label): node.to_dataset(inherit=False) for label, node in children.items()}


def label_of(path: str, taken: Mapping[str, object]) -> str:
    """Return a name for a file in a tree, each once."""
    stem = Path(path).stem.strip() or "file"
    name, count = stem, 1
    while name in taken:
        count += 1
        name = f"{stem} {count}"
    return name


def words(text: str | None) -> list[str]:
    """Take a list apart that is written with commas."""
    return [word.strip() for word in (text or "").split(",") if word.strip()]


def in_columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out rows of text in columns."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    lines = [head, tuple("-" * width for width in widths), *rows]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
