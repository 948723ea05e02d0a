"""Read the files of a study: regions of XPS, series of LEIS, patterns of XRD."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from surfspec import io
from surfspec.errors import InputError, SurfspecError
from surfspec.io.patterns import Found, find
from surfspec.io.recognise import options_of
from surfspec.io.series import series_of_file, series_of_members
from surfspec.study.files import REGION, find_series, meanings, squash
from surfspec.study.spec import Files, LeisPart, ReadOptions, XrdPart

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
    found = find_series(given, base, where=where)
    progress(f"reading {given.files} ({len(found)} file{'s' if len(found) != 1 else ''})")
    loaded = []
    for item in found:
        inner = {name: meaning for name, meaning in meanings(given).items() if name not in item.labels}
        with full_path(item.path):
            one = series_of_file(item.path, _options(part.read), blocks=given.blocks, mapped=inner)
        loaded.append(_with_settings(one, part, item.path))
    if not found[0].labels:
        return loaded[0]
    mapped = {name: meaning for name, meaning in meanings(given).items() if name in found[0].labels}
    return series_of_members(loaded, found, mapped, where=where, fallback=meanings(fallback))


def _options(read: ReadOptions) -> Any:
    """Return what the study says of LEIS files, for the readers."""
    said = read.keywords()
    known = {name: said.pop(name, None) for name in ("axis", "units", "decimal")}
    return options_of("LEIS", None, known["axis"], known["units"], known["decimal"], None, said)


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


def _with_settings(one: xr.Dataset, part: LeisPart, path: Path) -> xr.Dataset:
    """Add ion, energy and angle where the file does not say, and refuse a file that says otherwise."""
    for attribute, word in _SETTINGS:
        stated, wanted = one.attrs.get(attribute), getattr(part, word)
        if attribute in one.coords:
            raise InputError(
                f"its spectra differ in {attribute}",
                where=path,
                remedy="Keep the spectra of one setting in the file, or choose them by 'blocks:' beside 'files:'",
            )
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
