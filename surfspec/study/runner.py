"""From a study file to the DataTree that holds all its data and results."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import xarray as xr
import yaml

from surfspec import recipes, report, storage
from surfspec._version import __version__
from surfspec.errors import InputError, SurfspecError
from surfspec.report import layout
from surfspec.study import joint, leis, reading, xps, xrd
from surfspec.study.outcome import Outcome
from surfspec.study.reading import Progress
from surfspec.study.spec import Files, Study, techniques_of

#: Packages whose versions decide the numbers.
_NUMERICS = ("numpy", "scipy", "lmfit", "xarray", "gemmi")


@dataclass(frozen=True)
class _Inputs:
    """Everything that a study measures, read; references under their pseudo-samples."""

    xps: Mapping[str, Mapping[str, xr.Dataset]]
    leis: Mapping[str, xr.Dataset]
    references: Mapping[str, xr.Dataset]
    xrd: Mapping[str, Mapping[str, xr.Dataset]]


def run(
    path: str | Path, output: str | Path | None = None, *, force: bool = False, progress: Progress | None = None
) -> xr.DataTree:
    """Run a study: read its files, fit, conclude, and keep everything in one tree.

    Parameters
    ----------
    path
        Study file (YAML); the files it names are relative to its folder.
    output
        Folder for ``study.nc``, ``tables/``, the workbook, ``figures/``, ``report.html`` and ``results.json``. It
        appears complete at the end or not at all. None writes nothing.
    force
        Write into an output folder that holds other files; they stay.
    progress
        Called with a line of text for each step.

    Returns
    -------
    xarray.DataTree
        ``/spectra``, ``/fits``, ``/matches`` and ``/tables``, below each the sample, below that the region. What a
        sample's data do not determine is in ``/tables/SAMPLE/not_determined`` with the reason.

    Raises
    ------
    SurfspecError
        For a fault in the study file or in any file it names, before anything is written. A member that cannot be
        fitted is no error: it is data with the verdict ``failed`` and its reasons.

    Examples
    --------
    >>> import surfspec as ss
    >>> ss.run("no_such_study.yaml")
    Traceback (most recent call last):
    surfspec.errors.FormatError: no_such_study.yaml: there is no such file. ...
    """
    file = Path(path)
    say = progress or _silent
    if output is not None:
        report.check_target(Path(output), force=force)
    if file.suffix.lower() == ".nc":
        raise InputError(
            "this is a saved study, not a study file",
            where=file,
            remedy=f"Make its report again in Python with surfspec.report.write(surfspec.load({str(file)!r}), 'DIR'), "
            "or run the YAML file it was made from",
        )
    study = recipes.load_file(file, Study)
    try:
        tree = _tree(study, file, say)
    except SurfspecError as error:
        raise _placed(error, file) from error
    if output is not None:
        report.write(tree, output, force=force, progress=say)
    return tree


def _silent(_: str) -> None:
    """Take a line of progress and say nothing."""


def _tree(study: Study, file: Path, say: Progress) -> xr.DataTree:
    used = techniques_of(study)
    base = file.parent
    xps_recipes = xps.load_recipes(study.xps, base) if study.xps is not None else {}
    leis_recipe = leis.make_recipe(study.leis) if study.leis is not None else None
    phases = xrd.candidates(study.xrd, base) if study.xrd is not None else ()
    inputs = _read(study, base, xps_recipes, say)
    references = leis.fit_references(inputs.references, leis_recipe, progress=say) if leis_recipe is not None else {}
    outcomes: dict[str, Outcome] = {}
    for name in study.samples:
        parts = []

        def tell(text: str, name: str = name) -> None:
            say(f"{name}: {text}")

        if study.xps is not None and name in inputs.xps:
            parts.append(xps.analyse(inputs.xps[name], xps_recipes, study.xps, progress=tell))
        if study.leis is not None and leis_recipe is not None and name in inputs.leis:
            parts.append(leis.analyse(inputs.leis[name], leis_recipe, study.leis, references, progress=tell))
        if study.xrd is not None and name in inputs.xrd:
            parts.append(xrd.analyse(inputs.xrd[name], phases, progress=tell))
        parts.append(joint.analyse(_merged(parts).tables, study.joint, progress=tell))
        outcomes[name] = _merged(parts)
    for label, fit in references.items():
        outcomes[f"{layout.REFERENCE}{label}"] = Outcome(
            spectra={layout.LEIS: inputs.references[label]}, fits={layout.LEIS: fit}
        )
    groups = {group: {name: one.nested(group) for name, one in outcomes.items()} for group in storage.GROUPS}
    tree = storage.bundle({group: {n: nested for n, nested in by.items() if nested} for group, by in groups.items()})
    tree.attrs.update(_attributes(study, file, used, inputs))
    tree.attrs.update(layout.order_attributes({name: list(outcomes[name].spectra) for name in study.samples}))
    return tree


def _read(study: Study, base: Path, xps_recipes: Mapping[str, Any], say: Progress) -> _Inputs:
    measured: dict[str, dict[str, Any]] = {"xps": {}, "leis": {}, "xrd": {}}
    for name, sample in study.samples.items():
        place = f"samples.{name}"
        if sample.xps and study.xps is not None:
            measured["xps"][name] = reading.read_xps(
                sample.xps,
                base,
                xps.by_squashed_name(xps_recipes),
                where=f"{place}.xps",
                progress=say,
                read=study.xps.read,
            )
        if sample.leis and study.leis is not None:
            measured["leis"][name] = reading.read_leis(
                sample.leis, base, study.leis, where=f"{place}.leis", fallback=None, progress=say
            )
        if sample.xrd and study.xrd is not None:
            measured["xrd"][name] = reading.read_xrd(sample.xrd, base, study.xrd, where=f"{place}.xrd", progress=say)
    references: dict[str, xr.Dataset] = {}
    if study.leis is not None and study.leis.coverage is not None:
        meaning = next((s.leis for s in study.samples.values() if isinstance(s.leis, Files)), None)
        for label, files in study.leis.coverage.references.items():
            references[label] = reading.read_leis(
                files, base, study.leis, where=f"leis.coverage.references.{label}", fallback=meaning, progress=say
            )
    _listed_regions_exist(measured["xps"], xps_recipes)
    return _Inputs(measured["xps"], measured["leis"], references, measured["xrd"])


def _listed_regions_exist(measured: Mapping[str, Mapping[str, xr.Dataset]], found: Mapping[str, Any]) -> None:
    for region in found:
        if measured and not any(region in regions for regions in measured.values()):
            raise InputError(
                f"no sample has the region {region}",
                where="xps.regions",
                remedy="Remove it, or check how the region is called in the files",
            )


def _merged(parts: list[Outcome]) -> Outcome:
    out = Outcome()
    for part in parts:
        out.spectra.update(part.spectra)
        out.fits.update(part.fits)
        out.matches.update(part.matches)
        out.tables.update(part.tables)
        out.notes.extend(part.notes)
    if out.notes:
        out.tables[layout.NOTES] = layout.notes(out.notes)
    return out


def _attributes(study: Study, file: Path, used: tuple[str, ...], inputs: _Inputs) -> dict[str, str]:
    content = file.read_bytes()
    every = [
        *(one for regions in inputs.xps.values() for one in regions.values()),
        *inputs.leis.values(),
        *inputs.references.values(),
        *(one for patterns in inputs.xrd.values() for one in patterns.values()),
    ]
    attributes = {
        "study": study.study,
        "description": study.description,
        "techniques": ", ".join(name.upper() for name in used),
        "study_file": file.name,
        "study_sha256": hashlib.sha256(content).hexdigest(),
        "study_yaml": content.decode("utf-8"),
        "versions": json.dumps(versions()),
        "simulated": "true" if any(is_simulated(one) for one in every) else "",
    }
    return {name: value for name, value in attributes.items() if value}


def is_simulated(spectrum: xr.Dataset) -> bool:
    """Tell whether a spectrum, or any member of a series, says that it is simulated."""
    words = [str(spectrum.attrs.get("simulated", ""))]
    if "simulated" in spectrum.coords:
        words += [str(word) for word in spectrum.coords["simulated"].values.ravel()]
    return any(word.strip().lower() in ("true", "yes", "1") for word in words)


def versions() -> dict[str, str]:
    """Return the versions that a result depends on: surfspec, Python and the numerical packages."""
    found = {"surfspec": __version__, "python": platform.python_version()}
    for package in _NUMERICS:
        found[package] = metadata.version(package)
    return found


def _placed(error: SurfspecError, file: Path) -> SurfspecError:
    """Give an error that names a place within the study ("samples.a.xps") its line and column."""
    spot = locate(file, error.where)
    if spot:
        error.where = f"{spot}: {error.where}"
        error.args = (str(error),)
    return error


def locate(file: Path, dotted: str) -> str:
    """Return ``file:line:column`` of a dotted place in a study file; empty where it names no place in it.

    The longest part of the place that exists is taken.
    """
    node = yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    rest, mark = dotted, None
    while isinstance(node, yaml.MappingNode) and rest:
        for key, value in node.value:
            if rest == key.value or rest.startswith(f"{key.value}."):
                node, mark, rest = value, key.start_mark, rest[len(key.value) + 1 :]
                break
        else:
            break
    return f"{file}:{mark.line + 1}:{mark.column + 1}" if mark is not None else ""
