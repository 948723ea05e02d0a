"""One file for a study: Datasets and trees to netCDF and back, identical, written in one step or not at all."""

from __future__ import annotations

import difflib
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import h5py
import numpy as np
import xarray as xr

from surfspec import schema
from surfspec._version import __version__
from surfspec.errors import FormatError, InputError

#: Version of the layout of files; a reader refuses files of a later one.
SCHEMA_VERSION: Final = 1

#: Groups of a study tree.
GROUPS: Final = ("spectra", "fits", "matches", "tables")

Group: TypeAlias = Mapping[str, Any]

_ENGINE: Final = "h5netcdf"
_OBJECT: Final = "surfspec_object"
_ADDED: Final = "surfspec_added"
#: Attributes with a meaning of their own in netCDF files; they would not come back as they were.
_RESERVED: Final = frozenset(
    {"_FillValue", "missing_value", "scale_factor", "add_offset", "coordinates", "dtype", "_Unsigned", _OBJECT, _ADDED}
)
_UNREADABLE: Final = (
    OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, RuntimeError, OverflowError, MemoryError,
)  # fmt: skip


def bundle(groups: Group | None = None, /, **named: Group) -> xr.DataTree:
    """Put the Datasets of a study into one tree.

    Parameters
    ----------
    groups, **named
        Nested mappings by group (``spectra``, ``fits``, ``matches``, ``tables``), then by label: sample, then region.
        The leaves are Datasets.

    Returns
    -------
    xarray.DataTree
        ``/spectra/<sample>/<region>`` and so on; the Datasets are copied, their arrays shared. The root carries
        ``surfspec_version`` and ``schema_version``.

    Raises
    ------
    InputError
        For an unknown group, a label that cannot be a name in a file (one with a slash, say), or a leaf that is
        no Dataset.

    Examples
    --------
    >>> import surfspec as ss
    >>> ds = ss.spectrum([180.0, 182.0, 184.0], [10, 90, 20], technique="XPS", region="Zr 3d")
    >>> tree = ss.bundle(spectra={"polished": {"Zr 3d": ds}})
    >>> tree["spectra/polished/Zr 3d"].intensity.values.tolist()
    [10.0, 90.0, 20.0]
    """
    leaves: dict[str, xr.Dataset] = {}
    for name, group in {**(groups or {}), **named}.items():
        if name not in GROUPS:
            near = difflib.get_close_matches(str(name), GROUPS, n=1)
            hint = f"Did you mean '{near[0]}'?" if near else f"Use {', '.join(GROUPS)}"
            raise InputError(f"there is no group {name!r} in a study", where="bundle", remedy=hint)
        for place, leaf in _walk(group, f"/{name}"):
            leaves[place] = leaf.copy()
    root = xr.Dataset(attrs={"surfspec_version": __version__, "schema_version": SCHEMA_VERSION})
    return xr.DataTree.from_dict({"/": root, **leaves})


def _walk(value: Any, place: str) -> Iterator[tuple[str, xr.Dataset]]:
    """Yield (path, Dataset) of the leaves below `place`."""
    if isinstance(value, xr.Dataset):
        yield place, value
    elif isinstance(value, Mapping) and not isinstance(value, xr.DataTree):
        for label, entry in value.items():
            _check_label(label, place)
            yield from _walk(entry, f"{place}/{label}")
    else:
        raise InputError(
            f"a {type(value).__name__} cannot be stored",
            where=place,
            remedy="Give Datasets, by sample and then by region",
        )


def _check_label(label: Any, place: str) -> None:
    if not isinstance(label, str) or not label.strip() or label != label.strip() or label in {".", ".."}:
        raise InputError(f"{label!r} cannot be a name in a file", where=place, remedy="Use text, such as 'Zr 3d'")
    if "/" in label or not label.isprintable():
        better = "".join(sign if sign.isprintable() else " " for sign in label).replace("/", "-")
        raise InputError(
            f"the label {label!r} contains {'a slash' if '/' in label else 'unprintable signs'}",
            where=place,
            remedy=f"Use another sign there, {better!r}",
        )


def save(data: xr.DataTree | xr.Dataset, path: str | Path, *, overwrite: bool = False) -> Path:
    """Write a tree or a Dataset into one netCDF file; :func:`load` gives it back identical.

    The file is written beside its final place and moved there in one step: it is there whole, or not at all.

    Parameters
    ----------
    data
        What :func:`bundle` made, or one Dataset.
    path
        The file, ``study.nc`` say.
    overwrite
        Replace an existing file.

    Returns
    -------
    pathlib.Path
        The path of the file.

    Raises
    ------
    InputError
        When the file exists already, its folder does not, or the data hold what a file cannot (an attribute that is no
        str, int or float; an array of objects). Nothing is written then.

    Examples
    --------
    >>> import surfspec as ss, tempfile, pathlib
    >>> ds = ss.spectrum([1.0, 2.0, 3.0], [5, 6, 7], technique="LEIS")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = ss.save(ds, pathlib.Path(folder) / "one.nc")
    ...     ss.load(file).identical(ds)
    True
    """
    target = Path(path)
    if not isinstance(data, xr.DataTree | xr.Dataset):
        raise InputError(
            f"a {type(data).__name__} cannot be saved", where=target, remedy="Pass a Dataset or what bundle() returned"
        )
    if target.is_dir() or (target.exists() and not overwrite):
        raise InputError(
            "this is a folder" if target.is_dir() else "the file exists already",
            where=target,
            remedy="Choose another name" + ("" if target.is_dir() else ", or pass overwrite=True to replace it"),
        )
    if not target.parent.is_dir():
        raise InputError("its folder does not exist", where=target, remedy=f"Make {target.parent} first")
    nodes = {"/": data} if isinstance(data, xr.Dataset) else _nodes(data)
    clean = {place: _storable(dataset, place) for place, dataset in nodes.items()}
    clean["/"] = _stamped(clean["/"], "dataset" if isinstance(data, xr.Dataset) else "tree")
    _write(clean, target)
    return target


def _nodes(tree: xr.DataTree) -> dict[str, xr.Dataset]:
    return {node.path: node.to_dataset(inherit=False) for node in tree.subtree}


def _stamped(root: xr.Dataset, kind: str) -> xr.Dataset:
    """Note in the root what was stored and by which version, and which of these notes are not the user's own."""
    notes: dict[str, Any] = {"surfspec_version": __version__, "schema_version": SCHEMA_VERSION}
    added = [name for name in notes if name not in root.attrs]
    return root.assign_attrs(
        {name: notes[name] for name in added} | {_OBJECT: kind, _ADDED: " ".join([*added, _OBJECT, _ADDED])}
    )


def _write(nodes: Mapping[str, xr.Dataset], target: Path) -> None:
    part = target.with_name(f".{target.name[:80]}.{uuid.uuid4().hex[:12]}.part")
    try:
        xr.DataTree.from_dict(dict(nodes)).to_netcdf(part, engine=_ENGINE)
        part.replace(target)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"the file cannot be written ({type(error).__name__}: {error})",
            where=target,
            remedy="Check the free space and the permissions of the folder, and the names in the data",
        ) from error
    finally:
        part.unlink(missing_ok=True)


def _storable(dataset: xr.Dataset, place: str) -> xr.Dataset:
    """Return the Dataset without encodings of other files; refuse what would not come back as it was."""
    _check_attrs(dataset.attrs, place)
    for name in {*dataset.variables, *dataset.dims}:
        _check_label(name, place)
    for name, variable in dataset.variables.items():
        where = f"{place}:{name}"
        _check_attrs(variable.attrs, where)
        if variable.dtype.kind not in "biufU":
            raise InputError(
                f"'{name}' is an array of {variable.dtype}",
                where=place,
                remedy="Store numbers, true and false, or text: .astype(float), or .astype(str)",
            )
        if variable.dtype.kind == "U":
            for text in np.unique(variable.values).tolist():
                _check_text(text, where)
    return dataset.drop_encoding()


def _check_attrs(attrs: Mapping[Any, Any], where: str) -> None:
    for name, value in attrs.items():
        _check_label(name, where)
        if name in _RESERVED:
            raise InputError(
                f"the attribute {name!r} has a meaning of its own in netCDF files", where=where, remedy="Rename it"
            )
        if isinstance(value, str):
            _check_text(value, where)
        elif isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
            raise InputError(
                f"the attribute {name!r} is of type {type(value).__name__}",
                where=where,
                remedy="Attributes hold only str, int and float: write 'true', join lists into text, leave None out",
            )
        elif isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise InputError(
                f"the attribute {name!r} is too large for a file", where=where, remedy="Store it as text or float"
            )


def _check_text(text: str, where: str) -> None:
    if "\x00" in text or any("\ud800" <= sign <= "\udfff" for sign in text):
        raise InputError(
            f"the text {text[:40]!r} holds signs that no file can hold",
            where=where,
            remedy="Remove NUL and lone surrogates",
        )


def load(path: str | Path) -> xr.DataTree | xr.Dataset:
    """Read a file that :func:`save` wrote, or a surfspec Dataset that xarray wrote, into memory.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    xarray.DataTree or xarray.Dataset
        What was saved, identical; text comes back as fixed-width numpy text.

    Raises
    ------
    FormatError
        When the file is missing, damaged, foreign or written by a later version of surfspec.

    Examples
    --------
    >>> import surfspec as ss, tempfile, pathlib
    >>> ds = ss.spectrum([1.0, 2.0, 3.0], [5, 6, 7], technique="LEIS")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = ss.save(ss.bundle(spectra={"A": {"survey": ds}}), pathlib.Path(folder) / "study.nc")
    ...     sorted(node.path for node in ss.load(file).leaves)
    ['/spectra/A/survey']
    """
    file = Path(path)
    if not file.is_file():
        raise FormatError(
            "this is a folder" if file.is_dir() else "there is no such file", where=file, remedy="Check the path"
        )
    nodes = _read(file)
    root = nodes["/"]
    version = root.attrs.get("schema_version", 0)
    if not isinstance(version, int) or version > SCHEMA_VERSION:
        raise FormatError(
            f"the file has layout {version!r} and this surfspec knows layouts up to {SCHEMA_VERSION}",
            where=file,
            remedy="Install a newer surfspec",
        )
    if _OBJECT not in root.attrs and not any(node.attrs.get("kind") in schema.KINDS for node in nodes.values()):
        raise FormatError(
            "this is a netCDF or HDF5 file of another program",
            where=file,
            remedy="Open it with xarray.open_datatree() and make spectra from it with surfspec.spectrum()",
        )
    is_tree = root.attrs.get(_OBJECT, "tree" if len(nodes) > 1 else "dataset") == "tree"
    for name in str(root.attrs.get(_ADDED, "")).split():
        root.attrs.pop(name, None)
    return xr.DataTree.from_dict(nodes) if is_tree else root


def _read(file: Path) -> dict[str, xr.Dataset]:
    try:
        with h5py.File(file, "r") as raw:  # a fault met here would leave a half-made file object behind in h5netcdf
            dict(raw.attrs)
        with xr.open_datatree(file, engine=_ENGINE, decode_times=False, decode_timedelta=False, cache=False) as tree:
            return {place: _restored(dataset.load()) for place, dataset in _nodes(tree).items()}
    except _UNREADABLE as error:
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise FormatError(
            f"the file is damaged or no netCDF file ({reason})",
            where=file,
            remedy="Restore it from a copy, or make it again with surfspec.save()",
        ) from error


def _restored(dataset: xr.Dataset) -> xr.Dataset:
    """Return the Dataset with fixed-width text and plain Python attributes, without the encoding of the file."""
    texts = {
        name: (
            variable.dims,
            np.asarray(variable.values.tolist(), dtype=np.str_).reshape(variable.shape),
            variable.attrs,
        )
        for name, variable in dataset.variables.items()
        if variable.dtype.kind not in "biufU"
    }
    result = dataset.assign_coords({name: value for name, value in texts.items() if name in dataset.coords})
    result = result.assign({name: value for name, value in texts.items() if name not in dataset.coords})
    result = result.drop_encoding()
    result.attrs = _plain_attrs(dataset.attrs)
    for variable in result.variables.values():
        variable.attrs = _plain_attrs(variable.attrs)
    return result


def _plain_attrs(attrs: Mapping[Any, Any]) -> dict[Any, Any]:
    return {name: value.item() if isinstance(value, np.generic) else value for name, value in attrs.items()}
