"""Recognition of formats by content, and ``read``, ``read_tree``: the readers are listed here, one for each format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import xarray as xr

from surfspec import schema
from surfspec.errors import FormatError, InputError
from surfspec.io import (
    _bytes,
    _entry,
    avantage,
    brml,
    bruker_raw,
    foreign,
    native,
    powder_text,
    regions,
    rigaku,
    scienta,
    specs_xy,
    text,
    vamas,
    xrdml,
)

#: Readers in the order in which they are asked; text comes last because every text is text.
READERS: tuple[_entry.Reader, ...] = (
    native.READER,
    vamas.READER,
    avantage.READER,
    xrdml.READER,
    bruker_raw.READER,
    brml.READER,
    rigaku.READER,
    rigaku.READER_X,
    powder_text.READER,
    powder_text.READER_LHPM,
    specs_xy.READER,
    scienta.READER,
    text.READER,
)


def reader_of(source: _bytes.Source) -> _entry.Reader:
    """Return the reader that recognises the content of a file.

    Parameters
    ----------
    source
        The file.

    Returns
    -------
    Reader
        The first that recognises it; the suffix plays no part.

    Raises
    ------
    FormatError
        For formats that surfspec knows but does not read, and for binary content.
    """
    for reader in READERS[:-1]:
        if reader.recognises(source):
            return reader
    foreign.refuse_known(source)
    if READERS[-1].recognises(source):
        return READERS[-1]
    raise FormatError("unknown format", where=source.name, remedy="Export it as VAMAS, text, .xlsx or .xrdml")


def entries(path: str | Path, options: _entry.Options) -> list[_entry.Entry]:
    """Read all spectra of a file with unique labels."""
    source = _bytes.load(path)
    reader = reader_of(source)
    _refuse_unused(reader, source, options)
    found = reader.read(source, options)
    labels = regions.unique([entry.label for entry in found])
    return [replace(entry, label=label) for entry, label in zip(found, labels, strict=True)]


def _refuse_unused(reader: _entry.Reader, source: _bytes.Source, options: _entry.Options) -> None:
    """Refuse arguments that the format of the file leaves nothing to do for."""
    if options.column is not None and reader is not text.READER:
        raise InputError(
            f"column={options.column!r} has no meaning in a file of the format {reader.name}",
            where=source.name,
            remedy="Leave column= out; choose a spectrum with region=",
        )
    if reader is xrdml.READER and (options.technique or "XRD", options.axis or "two_theta") != ("XRD", "two_theta"):
        raise InputError(
            "an .xrdml file holds diffraction patterns over two_theta",
            where=source.name,
            remedy="Leave technique= and axis= out",
        )


def read(
    path: str | Path,
    *,
    region: str | None = None,
    technique: str | None = None,
    wavelength: float | str | None = None,
    axis: str | None = None,
    units: str | None = None,
    decimal: str | None = None,
    column: str | int | None = None,
    **attrs: str | float | int,
) -> xr.Dataset:
    r"""Read one measurement from a file of any known format.

    The format is recognised by content. A rate becomes counts where the file states the times:
    :math:`N = r\,t\,n` (rate r, dwell time t, scans n).

    Parameters
    ----------
    path
        VAMAS, Avantage .xlsx, .xrdml, .raw, .brml, .ras, .rasx, a text table and others; gzip and bzip2 are unpacked.
    region
        Region of a file that holds several: ``"Na1s"``, ``"Na_1s"`` and ``"Na 1s"`` are the same.
    technique
        ``"XPS"``, ``"LEIS"`` or ``"XRD"`` where the file does not say, or says it wrongly.
    wavelength
        X-ray wavelength (angstrom) or name where the file does not say; never guessed.
    axis
        ``"binding_energy"``, ``"kinetic_energy"`` or ``"two_theta"``; kinetic and binding energy are converted
        by :math:`E_B = h\nu - E_K` where the photon energy is known. The work function is never applied.
    units
        Unit of the stored intensity where the file does not say: ``"counts"``, ``"counts/s"``, ``"nA"``,
        ``"arb. units"``. A current that is called counts is refused, and the other way round.
    decimal
        Decimal sign of a text table that can be read in two ways: ``"."`` or ``","``.
    column
        Intensity column of a text table, by name or number (counted from 1, the axis).
    **attrs
        Metadata that the file does not give (``photon_energy=1486.6``, ``dwell_time=0.1``, ``scans=5``, ...);
        they go before those of the file.

    Returns
    -------
    xarray.Dataset
        Kind ``spectrum``: ``intensity`` (..., axis) in counts, counts/s, nA or arb. units.

    Raises
    ------
    FormatError
        For a file that is missing, empty, cut off, unknown or ambiguous.
    InputError
        For a region that is not there, several regions without `region`, or a bad argument.

    References
    ----------
    ISO 14976:1998 (VAMAS); ISO 18115-1 (terms).

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "na1s.csv"
    >>> _ = file.write_text("# region: Na1s\nBinding Energy (eV),counts\n1072.0,90\n1071.9,100\n")
    >>> ds = read(file)
    >>> ds.attrs["region"], ds.attrs["statistics"], ds.sizes["binding_energy"]
    ('Na 1s', 'poisson', 2)
    """
    options = options_of(technique, wavelength, axis, units, decimal, column, attrs)
    chosen = regions.pick(entries(path, options), region, Path(path).name)
    return schema.check(chosen.dataset, "spectrum")


def read_tree(
    path: str | Path,
    *,
    technique: str | None = None,
    wavelength: float | str | None = None,
    axis: str | None = None,
    units: str | None = None,
    decimal: str | None = None,
    **attrs: str | float | int,
) -> xr.DataTree:
    r"""Read every spectrum of a file into one tree.

    Parameters
    ----------
    path, technique, wavelength, axis, units, decimal, **attrs
        As for :func:`read`.

    Returns
    -------
    xarray.DataTree
        One child for each region or block; labels carry no slashes and none comes twice.

    Raises
    ------
    FormatError, InputError
        As for :func:`read`.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "a.csv"
    >>> _ = file.write_text("# region: C 1s\nBinding Energy (eV),counts\n285,90\n284,100\n")
    >>> list(read_tree(file).children)
    ['C 1s']
    """
    options = options_of(technique, wavelength, axis, units, decimal, None, attrs)
    found = entries(path, options)
    return xr.DataTree.from_dict({entry.label: entry.dataset for entry in found}, name=Path(path).stem)


def options_of(
    technique: str | None,
    wavelength: float | str | None,
    axis: str | None,
    units: str | None,
    decimal: str | None,
    column: str | int | None,
    attrs: Mapping[str, str | float | int],
) -> _entry.Options:
    """Check what the caller says of a file, and put it together (see :func:`read`)."""
    if technique is not None and technique not in schema.TECHNIQUE_AXES:
        raise InputError(
            f"unknown technique {technique!r}",
            where="technique",
            remedy=f"Use one of {', '.join(schema.TECHNIQUE_AXES)}",
        )
    if axis is not None and axis not in schema.AXES:
        raise InputError(f"unknown axis {axis!r}", where="axis", remedy=f"Use one of {', '.join(schema.AXES)}")
    if decimal not in {None, ".", ","}:
        raise InputError(f"unknown decimal sign {decimal!r}", where="decimal", remedy="Use '.' or ','")
    for name, value in attrs.items():
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise InputError(
                f"{name}={value!r} is neither text nor a number", where=name, remedy="Metadata are text or numbers"
            )
    schema.check_metadata({**attrs, **({"wavelength": wavelength} if isinstance(wavelength, int | float) else {})})
    return _entry.Options(technique, wavelength, axis, units, decimal, column, dict(attrs))
