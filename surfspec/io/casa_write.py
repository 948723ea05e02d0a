"""Write a spectrum with an analysis that CasaXPS reads: VAMAS with its lines in the block comment."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import xarray as xr

from surfspec import schema
from surfspec.errors import InputError
from surfspec.io.casa_comment import cleaned
from surfspec.io.casa_lines import section
from surfspec.io.casa_types import CasaCalibration, CasaComponent, CasaRegion
from surfspec.io.vamas_write import compose
from surfspec.io.writing import free_place, put

_VAMAS = (".vms", ".vamas")


def write_casa(
    spectrum: xr.Dataset,
    path: str | Path,
    *,
    regions: Sequence[CasaRegion] = (),
    components: Sequence[CasaComponent] = (),
    calibrations: Sequence[CasaCalibration] = (),
    overwrite: bool = False,
) -> Path:
    """Write one XPS spectrum as VAMAS with regions, components and calibrations in the lines of CasaXPS.

    Parameters
    ----------
    spectrum
        Kind ``spectrum``, a single one, on the scale that the calibrations start from, with its photon energy. An older
        analysis in its comment is left out.
    path
        ``.vms`` or ``.vamas``.
    regions, components, calibrations
        What to write; energies are kinetic, as in :class:`~surfspec.io.casa_types.CasaComponent`.
    overwrite
        Replace an existing file.

    Returns
    -------
    pathlib.Path
        The file. It reads back with :func:`surfspec.io.read_casa` as it was given, the data with :func:`surfspec.read`.

    Raises
    ------
    InputError
        For a series, a spectrum without photon energy, a name that cannot stand in such a line, and as
        :func:`surfspec.write`.

    Examples
    --------
    >>> import tempfile, surfspec as ss
    >>> data = ss.spectrum([280.0, 285.0, 290.0], [5, 9, 6], technique="XPS", region="C 1s", photon_energy=1486.6)
    >>> region = CasaRegion("C 1s", "Shirley", 1196.6, 1206.6, rsf=1.0)
    >>> write_casa(data, tempfile.mkdtemp() + "/c1s.vms", regions=[region]).name
    'c1s.vms'
    """
    schema.check(spectrum, "spectrum")
    if schema.series_dims(spectrum):
        raise InputError("this is a series", where="spectrum", remedy="Select one member with .isel()")
    if spectrum.attrs["technique"] != "XPS" or "photon_energy" not in spectrum.attrs:
        raise InputError(
            "CasaXPS keeps kinetic energies, and this spectrum has no photon energy",
            where="spectrum",
            remedy="Set attrs['photon_energy'], 1486.6 for Al K-alpha",
        )
    if not isinstance(path, str | Path):
        raise InputError(f"the path is a {type(path).__name__}", where="path", remedy="Give a file name ending in .vms")
    if Path(path).suffix.lower() not in _VAMAS:
        raise InputError("CasaXPS reads its own lines from VAMAS", where=str(path), remedy="Use the ending .vms")
    named: list[CasaRegion | CasaComponent] = [*regions, *components]
    for one in named:
        _check(one)
    lines = section(calibrations, regions, components)
    target = free_place(path, overwrite=overwrite)
    put(target, _with_source(compose(cleaned(spectrum), lines), spectrum))
    return target


def _with_source(text: str, spectrum: xr.Dataset) -> str:
    """Write the label of the X-ray source where the spectrum knows it."""
    label = " ".join(str(spectrum.attrs.get("source", "")).split())
    return text.replace("\nXPS\nX-rays\n", f"\nXPS\n{label}\n", 1) if label else text


def _check(one: CasaRegion | CasaComponent) -> None:
    texts = {"name": one.name, "tag": one.tag}
    texts |= {"shape": one.shape} if isinstance(one, CasaComponent) else {"background": one.background}
    for what, text in texts.items():
        if "*)" in text or "\n" in text or "\r" in text:
            raise InputError(
                f"the {what} {text!r} ends its own field", where=what, remedy="Leave out '*)' and new lines"
            )
