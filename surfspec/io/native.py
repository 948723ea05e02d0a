"""The text form of a spectrum that surfspec writes and reads back without loss.

Lines ``# key: value`` carry the attributes, lines ``# @name: {...}`` the dims and attributes of each variable (and
the data of those that do not run along the spectral axis), then one row for each point of the axis.
"""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import schema
from surfspec.errors import FormatError, InputError, SchemaError
from surfspec.io import _bytes, _entry

NAME = "surfspec text"
MAGIC = "# surfspec spectrum 1"
#: Attribute names that can stand in a line of their own; the others go into one line "# @".
_SIMPLE_KEY = re.compile(r"[A-Za-z_][ -9;-~]*(?<! )")
#: Keys of the first two lines: for people and for other readers, since the lines "# @" say the same.
_STRUCTURE = ("axis", "intensity_unit")


def compose(dataset: xr.Dataset, delimiter: str) -> str:
    """Write a spectrum or series as text.

    Parameters
    ----------
    dataset
        Kind ``spectrum``.
    delimiter
        Tab or comma; with a comma the column names are a plain row, otherwise a comment.

    Returns
    -------
    str
        The whole file.
    """
    axis = schema.axis_of(dataset)
    structure = (axis, dataset["intensity"].attrs["units"])
    lines = [MAGIC, *(f"# {key}: {value}" for key, value in zip(_STRUCTURE, structure, strict=True))]
    odd = {key: _plain(value) for key, value in dataset.attrs.items() if not _SIMPLE_KEY.fullmatch(str(key))}
    lines += [f"# {key}: {_encode(value)}" for key, value in dataset.attrs.items() if key not in odd]
    lines += [f"# @: {json.dumps(odd)}"] if odd else []
    names: list[str] = [axis]
    columns: list[NDArray[np.float64]] = [dataset[axis].values]
    for label, variable in dataset.variables.items():
        name, dims = str(label), [str(dim) for dim in variable.dims]
        about: dict[str, Any] = {"dims": dims, "attrs": {str(k): _plain(v) for k, v in variable.attrs.items()}}
        if name in dataset.coords:
            about["coord"] = True
        if name != axis and dims[-1:] == [axis] and variable.dtype == np.float64:
            flat = variable.values.reshape(-1, variable.shape[-1])
            about["columns"] = len(columns)
            about["shape"] = list(variable.shape)
            names += [name] if len(flat) == 1 else [f"{name}_{i}" for i in range(len(flat))]
            columns += list(flat)
        elif name != axis:
            about["dtype"] = variable.dtype.str
            about["data"] = variable.values.tolist()
        lines.append(f"# @{name}: {json.dumps(about, ensure_ascii=False)}")
    lines.append(delimiter.join(names) if delimiter == "," else "# " + delimiter.join(names))
    table = np.stack(columns, axis=1).tolist()
    lines += [delimiter.join(_digits(value) for value in row) for row in table]
    return "\n".join(lines) + "\n"


def _digits(value: float) -> str:
    """Write the shortest text that reads back as the same number."""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _encode(value: Any) -> str:
    plain = _plain(value)
    if not isinstance(plain, str):
        return json.dumps(plain)
    simple = plain == plain.strip() and plain.isprintable() and _decode(plain) == plain
    return plain if simple else json.dumps(plain)


def _decode(text: str) -> str | int | float:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, str | int | float) and not isinstance(value, bool) else text


def recognises(source: _bytes.Source) -> bool:
    """Tell by the first line."""
    return source.data.lstrip(b"\xef\xbb\xbf").startswith(MAGIC.encode())


def read(source: _bytes.Source, options: _entry.Options) -> list[_entry.Entry]:
    """Read a file that :func:`compose` made.

    Parameters
    ----------
    source
        The file.
    options
        ``attrs`` and ``wavelength`` of the caller go before those of the file; a technique, an axis or a unit other
        than that of the file is refused.

    Returns
    -------
    list of Entry
        One entry. ``source_file`` and its companions stay those of the first measurement where it had them.

    Raises
    ------
    FormatError
        When lines were lost or changed so that the parts do not fit.
    InputError
        When the caller says otherwise than the file of its technique, axis or unit.
    """
    text = _bytes.decode(source)
    attrs: dict[str, Any] = {}
    about: dict[str, dict[str, Any]] = {}
    rows: list[str] = []
    for number, line in enumerate(text.split("\n")[1:], start=2):
        if line.startswith("# @"):
            name, _, body = line[3:].partition(": ")
            part = _json(body, f"{source.name}:{number}")
            if name:
                about[name] = part
            else:
                attrs.update(part)
        elif line.startswith("#"):
            key, colon, value = line[2:].partition(": ")
            if colon and not rows and number > 1 + len(_STRUCTURE):
                attrs[key] = _decode(value)
        elif line.strip() and (rows or line[0] in "+-.0123456789nN"):
            rows.append(f"{number}:{line}")
    try:
        dataset = _assemble(_table(rows, source.name), about)
        own = {} if "source_file" in attrs else _entry.provenance(source, NAME)
        dataset.attrs = _entry.with_wavelength({**attrs, **own, **options.attrs}, options.wavelength)
        schema.check(dataset, "spectrum")
    except (KeyError, ValueError, TypeError, IndexError, AttributeError, SchemaError) as problem:
        raise FormatError(
            "the parts of this file do not fit together",
            where=source.name,
            remedy="It was edited or cut off; write it again, or remove its first line and the lines '# @...'",
        ) from problem
    _refuse_other(dataset, options, source.name)
    label = str(dataset.attrs.get("region", "")) or source.name.rsplit(".", 1)[0]
    return [_entry.Entry(label, dataset)]


def _refuse_other(dataset: xr.Dataset, options: _entry.Options, where: str) -> None:
    """Refuse arguments that contradict a file which says everything itself."""
    stated = {
        "technique": (options.technique, str(dataset.attrs["technique"])),
        "axis": (options.axis, schema.axis_of(dataset)),
        "units": (options.units, str(dataset["intensity"].attrs["units"])),
    }
    for name, (asked, own) in stated.items():
        if asked is not None and asked != own:
            raise InputError(
                f"{name}={asked!r}, and the file, which surfspec wrote, says {own!r}",
                where=where,
                remedy=f"Leave {name}= out, or make the spectrum anew with surfspec.spectrum()",
            )


def _json(body: str, where: str) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise FormatError("this line is damaged", where=where, remedy="Write the file again") from None
    return value


def _table(rows: list[str], name: str) -> NDArray[np.float64]:
    numbers: list[list[float]] = []
    for row in rows:
        line, _, body = row.partition(":")
        cells = body.replace(",", "\t").split("\t")
        try:
            numbers.append([float(cell) for cell in cells])
        except ValueError:
            raise FormatError(
                f"{body[:40]!r} is no row of numbers", where=f"{name}:{line}", remedy="Repair that line"
            ) from None
        if len(cells) != len(numbers[0]):
            raise FormatError(
                f"{len(cells)} columns where the first row has {len(numbers[0])}",
                where=f"{name}:{line}",
                remedy="The file was cut off or edited; write it again",
            )
    return np.array(numbers, dtype=np.float64)


def _assemble(table: NDArray[np.float64], about: dict[str, dict[str, Any]]) -> xr.Dataset:
    coords: dict[str, Any] = {}
    variables: dict[str, Any] = {}
    for name, part in about.items():
        if "data" in part:
            values = np.array(part["data"], dtype=np.dtype(part["dtype"]))
        elif "columns" in part:
            shape = tuple(part["shape"])
            count = int(np.prod(shape[:-1], dtype=np.int64))
            first = int(part["columns"])
            values = table[:, first : first + count].T.reshape(shape)
        else:
            values = table[:, 0]
        target = coords if part.get("coord") else variables
        target[name] = (tuple(part["dims"]), values, part["attrs"])
    return xr.Dataset(variables, coords=coords)


READER = _entry.Reader(NAME, recognises, read)
