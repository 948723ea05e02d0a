"""Which region of a block of CasaXPS, its limits and components, and the data on its calibrated scale."""

from __future__ import annotations

import xarray as xr

from surfspec import schema
from surfspec.errors import InputError
from surfspec.io.casa_types import CasaBlock, CasaRegion
from surfspec.xps.casa.checks import check_data


def region_named(block: CasaBlock, name: str) -> CasaRegion:
    """Return the region of a block by its name, or its only one.

    Raises
    ------
    InputError
        Where there is none of that name, or several.
    """
    found = [one for one in block.regions if not name or one.name == name]
    if len(found) == 1:
        return found[0]
    known = ", ".join(repr(one.name) for one in block.regions) or "none"
    what = f"{len(found)} regions {name!r}" if name else f"{len(block.regions)} regions"
    raise InputError(
        f"the block {block.identifier!r} has {what}",
        where=f"block {block.number}",
        remedy=f"Name one: region=...; it has {known}",
    )


def window_of(block: CasaBlock, region: CasaRegion) -> tuple[float, float]:
    """Return the limits of a region as binding energies on the calibrated scale."""
    return (
        round(block.binding_energy(region.high, of="regions"), 6),
        round(block.binding_energy(region.low, of="regions"), 6),
    )


def members_of(block: CasaBlock, region: CasaRegion) -> list[int]:
    """Return the places of the components that lie in a region: all of them where the block has only one."""
    if len(block.regions) == 1:
        return list(range(len(block.components)))
    low, high = window_of(block, region)
    centers = [block.binding_energy(one.position.value) for one in block.components]
    return [i for i, center in enumerate(centers) if low <= center <= high]


def on_calibrated_scale(spectrum: xr.Dataset, block: CasaBlock) -> xr.Dataset:
    """Move the axis of the data by the calibrations of a block.

    Raises
    ------
    InputError
        For a series, for data without binding energies, of another block or already corrected, and for an unknown
        shift or photon energy.
    """
    schema.check(spectrum, "spectrum")
    if schema.series_dims(spectrum) or schema.axis_of(spectrum) != "binding_energy":
        raise InputError(
            "a block of CasaXPS is one spectrum over binding energy",
            where="spectrum",
            remedy="Read its data with surfspec.read, and select one member of a series with .isel()",
        )
    if not block.photon_energy > 0.0:
        raise InputError(
            "the block does not say the photon energy, and CasaXPS keeps kinetic energies",
            where=block.identifier,
            remedy="Set it: dataclasses.replace(block, photon_energy=1486.6)",
        )
    if "charge_shift" in spectrum.attrs:
        raise InputError(
            "the spectrum is already charge corrected", where="spectrum", remedy="Pass the data as they were read"
        )
    check_data(spectrum, block)
    if not block.calibrations:
        return spectrum
    if not abs(block.shift) < 1e4:
        raise InputError(
            "a calibration searched its maximum within a range and does not say where it found it",
            where=block.identifier,
            remedy="Calibrate in CasaXPS on one energy, or replace the calibration of the block by one",
        )
    axis = spectrum["binding_energy"]
    moved = spectrum.assign_coords(binding_energy=("binding_energy", axis.values + block.shift, dict(axis.attrs)))
    return moved.assign_attrs(charge_shift=-block.shift, charge_reference="calibration of CasaXPS")
