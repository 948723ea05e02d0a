"""Read the files of a study: regions of XPS, series of LEIS, patterns of XRD."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from surfspec import io, schema, spectra
from surfspec.errors import InputError, SurfspecError
from surfspec.study.files import REGION, Found, find, series_values, squash
from surfspec.study.spec import SERIES_UNITS, Files, LeisPart, ReadOptions, XrdPart

#: Reports what is being done.
Progress = Callable[[str], None]

#: Attribute of a LEIS spectrum and the word of the study that must agree with it.
_SETTINGS = (("ion", "ion"), ("ion_energy", "energy"), ("scattering_angle", "angle"))
#: Relative difference up to which two settings are the same.
_SAME = 1e-3


def read_xps(
    files: str | Files,
    base: Path,
    regions: Mapping[str, str],
    *,
    where: str,
    progress: Progress,
    read: ReadOptions,
) -> dict[str, xr.Dataset]:
    """Read the XPS regions of one sample.

    Parameters
    ----------
    files
        One file with many regions, or a pattern with ``{region}``.
    base
        Folder of the study file.
    regions
        Regions wanted, in order: squashed name (see :func:`surfspec.study.files.squash`) to name.
    where
        Place in the study file, named in errors.
    progress
        Told which file is read.
    read
        What the files do not say.

    Returns
    -------
    dict
        Region to spectrum; a region that the sample lacks is not in it.

    Raises
    ------
    FormatError, InputError
        For files that cannot be read, none of the wanted regions, or a region that comes twice.
    """
    pattern = files if isinstance(files, str) else files.files
    named = {} if isinstance(files, str) else dict(files.region)
    out: dict[str, xr.Dataset] = {}
    seen: list[str] = []
    for found in find(pattern, base, where=where, allowed=[REGION]):
        label = found.labels.get(REGION)
        if label is not None:
            wanted = regions.get(squash(named.get(label, label)))
            seen.append(named.get(label, label))
            if wanted is None:
                continue
            progress(f"reading {found.path.name}")
            every = _datasets(found.path, "XPS", read)
            named_so = [
                one for name, one in every if squash(str(one.attrs.get("region", "")) or name) == squash(wanted)
            ]
            if len(every) != 1 and len(named_so) != 1:
                raise InputError(
                    f"{len(named_so)} of its {len(every)} spectra are of the region {wanted}",
                    where=found.path,
                    remedy="Keep one spectrum of the region in the file",
                )
            _keep(out, wanted, every[0][1] if len(every) == 1 else named_so[0], found.path)
            continue
        progress(f"reading {found.path.name}")
        for name, one in _datasets(found.path, "XPS", read):
            region = str(one.attrs.get("region", "")) or name
            seen.append(region)
            wanted = regions.get(squash(region)) or regions.get(squash(name))
            if wanted is not None:
                _keep(out, wanted, one, found.path)
    if not out:
        raise InputError(
            f"none of the regions {', '.join(regions.values())} is in the files",
            where=where,
            remedy=f"The files hold {', '.join(dict.fromkeys(seen)) or 'none'}; name these under 'xps: regions'",
        )
    return {name: out[name] for name in regions.values() if name in out}


def _keep(out: dict[str, xr.Dataset], region: str, one: xr.Dataset, path: Path) -> None:
    if region in out:
        raise InputError(
            f"the region {region} comes twice",
            where=path,
            remedy="Keep one spectrum of each region in the file, or give each region its own file with '{region}'",
        )
    out[region] = one.assign_attrs(region=region)


def read_leis(
    files: str | Files, base: Path, part: LeisPart, *, where: str, fallback: Files | None, progress: Progress
) -> xr.Dataset:
    """Read the LEIS spectra of one sample into one series over (spot, dose, ...).

    Parameters
    ----------
    files
        One file, or a pattern with ``{spot}``, ``{dose}``, ...
    base
        Folder of the study file.
    part
        What the study says about ion, energy and angle; a file that says otherwise is refused.
    where
        Place in the study file, named in errors.
    fallback
        Meaning of labels where `files` gives none: that of the samples, for the references.
    progress
        Told what is read.

    Returns
    -------
    xarray.Dataset
        Spectrum or series.
    """
    given = files if isinstance(files, Files) else Files(files)
    found = find(given.files, base, where=where, allowed=list(SERIES_UNITS))
    progress(f"reading {given.files} ({len(found)} file{'s' if len(found) != 1 else ''})")
    loaded = []
    for item in found:
        with full_path(item.path):
            one = io.read(item.path, technique="LEIS", **part.read.keywords())
        loaded.append(_with_settings(one, part, item.path))
    if not found[0].labels:
        return loaded[0]
    stated = {
        name: [one.attrs.get(name) for one in loaded] for name in SERIES_UNITS if all(name in o.attrs for o in loaded)
    }
    values = series_values(found, given, stated=stated, fallback=fallback, where=where)
    try:
        return stack(loaded, values, where=where)
    except SurfspecError as error:
        for item, reason in _agreeing(loaded, found):
            raise InputError(
                f"does not go into one series with {found[0].path.name}: {reason.message}",
                where=item.path,
                remedy=reason.remedy,
            ) from error
        raise


def stack(members: Sequence[xr.Dataset], values: Mapping[str, Sequence[Any]], *, where: str) -> xr.Dataset:
    """Stack spectra over several dimensions at once; what differs between them becomes a coordinate over all of them.

    Parameters
    ----------
    members
        Spectra on one axis.
    values
        Dimension name to one value for each member; together they must fill a rectangle.
    where
        Place named in errors.
    """
    names = list(values)
    grids = {name: list(dict.fromkeys(sorted(values[name]))) for name in names}
    shape = tuple(len(grids[name]) for name in names)
    places = [tuple(grids[name].index(values[name][i]) for name in names) for i in range(len(members))]
    for place in np.ndindex(shape):
        if places.count(place) != 1:
            spot = ", ".join(f"{name} {grids[name][k]:g}" if _is_number(grids[name][k]) else f"{name} {grids[name][k]}"
                             for name, k in zip(names, place, strict=True))  # fmt: skip
            raise InputError(
                f"{'no file' if place not in places else 'more than one file'} for {spot}",
                where=where,
                remedy="A series needs one file for every combination: add the missing one, or narrow the pattern",
            )
    table = dict(zip(places, members, strict=True))
    shared, differing = _attributes([table[place] for place in np.ndindex(shape)], names)
    bare = {place: member.drop_attrs(deep=False).assign_attrs(shared) for place, member in table.items()}
    out = _nested(bare, (), names, grids)
    for name, column in differing.items():
        array = np.asarray(column).reshape(shape)
        meta = {"long_name": name, **({"units": "1"} if np.issubdtype(array.dtype, np.floating) else {})}
        out = out.assign_coords({name: (tuple(names), array, meta)})
    return schema.check(out, "spectrum")


def _nested(
    table: Mapping[tuple[int, ...], xr.Dataset], place: tuple[int, ...], names: Sequence[str], grids: Mapping[str, Any]
) -> xr.Dataset:
    if len(place) == len(names):
        return table[place]
    name = names[len(place)]
    parts = [_nested(table, (*place, k), names, grids) for k in range(len(grids[name]))]
    return spectra.stack(parts, name, grids[name], units=SERIES_UNITS.get(name) or None)


def _attributes(members: Sequence[xr.Dataset], dims: Sequence[str]) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """Separate attributes on which all members agree from those that differ; those that became a dimension go."""
    names = dict.fromkeys(str(name) for member in members for name in member.attrs if name not in dims)
    columns = {name: [member.attrs.get(name) for member in members] for name in names}
    shared = {name: column[0] for name, column in columns.items() if all(value == column[0] for value in column)}
    differing = {
        name: column if all(_is_number(value) for value in column) else ["" if v is None else str(v) for v in column]
        for name, column in columns.items()
        if name not in shared
    }
    return shared, differing


def read_xrd(
    files: str | Mapping[str, str], base: Path, part: XrdPart, *, where: str, progress: Progress
) -> dict[str, xr.Dataset]:
    """Read the diffraction patterns of one sample by label; a single one is called "pattern"."""
    named = {"pattern": files} if isinstance(files, str) else dict(files)
    out = {}
    for label, pattern in named.items():
        place = where if isinstance(files, str) else f"{where}.{label}"
        if "changes" in named or "/" in label:
            raise InputError(f"'{label}' cannot label a pattern", where=place, remedy="Use another word, 'after' say")
        found = find(pattern, base, where=place, allowed=[])[0]
        progress(f"reading {found.path.name}")
        out[label] = _pattern(found, part)
    return out


def _pattern(found: Found, part: XrdPart) -> xr.Dataset:
    with full_path(found.path):
        one = io.read(found.path, technique="XRD", wavelength=part.wavelength or None, **part.read.keywords())
    if "wavelength" not in one.attrs and "wavelength_name" not in one.attrs:
        raise InputError(
            "the wavelength is not known",
            where=found.path,
            remedy="Say 'wavelength: CuKa1' under 'xrd:' in the study; it is never assumed",
        )
    return one


def _datasets(path: Path, technique: str, read: ReadOptions) -> list[tuple[str, xr.Dataset]]:
    with full_path(path):
        tree = io.read_tree(path, technique=technique, **read.keywords())
    return [(str(name), node.to_dataset()) for name, node in tree.children.items()]


@contextmanager
def full_path(path: Path) -> Iterator[None]:
    """Name a file in errors as the user can find it: with its folder, and the line where the reader names one."""
    try:
        yield
    except SurfspecError as error:
        rest = error.where.removeprefix(path.name)
        if error.where == path.name + rest:
            error.where = f"{path}{rest}"
            error.args = (str(error),)
        raise


@contextmanager
def in_file(path: Path | str) -> Iterator[None]:
    """Name the file whose data an error is about, where the error does not name it itself."""
    try:
        yield
    except SurfspecError as error:
        if str(path) and Path(path).name not in str(error):
            error.where = f"{path}: {error.where}" if error.where else str(path)
            error.args = (str(error),)
        raise


def _agreeing(loaded: Sequence[xr.Dataset], found: Sequence[Found]) -> Iterator[tuple[Found, SurfspecError]]:
    """Yield the files whose spectra do not stack with that of the first, with the reason."""
    for item, one in zip(found[1:], loaded[1:], strict=True):
        try:
            spectra.stack([loaded[0], one], "pair", [0, 1])
        except SurfspecError as error:
            yield item, error


def _with_settings(one: xr.Dataset, part: LeisPart, path: Path) -> xr.Dataset:
    """Add ion, energy and angle where the file does not say, and refuse a file that says otherwise."""
    for attribute, word in _SETTINGS:
        stated, wanted = one.attrs.get(attribute), getattr(part, word)
        if stated is None or stated == "":
            one = one.assign_attrs({attribute: wanted})
        elif not _agree(stated, wanted):
            raise InputError(
                f"the file says {attribute} {stated} and the study {word} {wanted}",
                where=path,
                remedy=f"Correct '{word}' under 'leis:' in the study, or leave this file out",
            )
    return one


def _agree(stated: Any, wanted: Any) -> bool:
    if _is_number(stated) and _is_number(wanted):
        return abs(float(stated) - float(wanted)) <= _SAME * abs(float(wanted))
    return str(stated).strip("+ ").lower() == str(wanted).strip("+ ").lower()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)
