"""Charge correction by a fitted reference line or a given shift, recorded as ISO 19318 asks."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import overload

import xarray as xr

from surfspec import schema
from surfspec.errors import InputError, NotDeterminedError
from surfspec.xps.charge.record import energy_words, given_shift, moved_spectrum, of_members, shift_by_line

Spectra = xr.Dataset | Mapping[str, xr.Dataset]


@overload
def charge_correct(
    spectra: xr.Dataset, fit: xr.Dataset | None = ..., *, line: str = ..., energy: float = ...,
    component: str | None = ..., energy_unc: float | None = ..., energy_source: str = ...,
    shift: float | None = ..., shift_unc: float = ..., elements: Collection[str] = ..., control: str = ...,
    force: bool = ...,
) -> xr.Dataset: ...  # fmt: skip


@overload
def charge_correct(
    spectra: Mapping[str, xr.Dataset], fit: xr.Dataset | None = ..., *, line: str = ..., energy: float = ...,
    component: str | None = ..., energy_unc: float | None = ..., energy_source: str = ...,
    shift: float | None = ..., shift_unc: float = ..., elements: Collection[str] = ..., control: str = ...,
    force: bool = ...,
) -> dict[str, xr.Dataset]: ...  # fmt: skip


def charge_correct(
    spectra: Spectra,
    fit: xr.Dataset | None = None,
    *,
    line: str = "Zr 3d5/2",
    energy: float = 182.40,
    component: str | None = None,
    energy_unc: float | None = None,
    energy_source: str = "",
    shift: float | None = None,
    shift_unc: float = 0.0,
    elements: Collection[str] = (),
    control: str = "",
    force: bool = False,
) -> xr.Dataset | dict[str, xr.Dataset]:
    r"""Shift the spectra of one sample so that a fitted line lies at its reference energy, or by a given shift.

    .. math:: E_\mathrm{corrected} = E_\mathrm{measured} - \Delta, \qquad
              \Delta = E_\mathrm{line} - E_\mathrm{reference}

    The axis moves; counts are never resampled. What ISO 19318 asks for is recorded in the attributes: method, line,
    assumed energy with its uncertainty and source, shift and its standard uncertainty. The uncertainty of the shift is
    that of the fitted position; that of the assumed energy is kept apart, because all lines of a sample have it in
    common and distances between them do not.

    Parameters
    ----------
    spectra
        One spectrum, a mapping of regions of one sample, or series of them. For several samples there is
        :func:`charge_correct_each`.
    fit
        Fit of the reference region of the same sample, on the measured scale. For a series, that of the same members,
        which are found by their labels: the axis moves by their mean shift, and what is left of each is the coordinate
        ``energy_shift``, which :func:`fit` applies.
    line
        The reference line, a value of the fit's coordinate ``line``.
    energy
        Its reference energy in eV. 182.40 eV for Zr 3d5/2 is a convention, not a measurement.
    component
        Which component of the fit is the reference, ``"C-C"`` say, where the line has several states. Without it
        several states make a line no reference.
    energy_unc
        Standard uncertainty of that energy in eV; by default that of the table ``xps_lines`` where it is known.
    energy_source
        Where the energy comes from; by default the source of the table, or "given by the user".
    shift, shift_unc
        Instead of a fit: the shift in eV that is taken off, and its standard uncertainty.
    elements
        Elements that are known to be in the sample: a line of theirs at the reference line makes it no reference.
    control
        How charging was controlled during the measurement ("flood gun 2 eV"), for the record.
    force
        Accept a reference that is not determined; the reason is recorded.

    Returns
    -------
    xarray.Dataset or dict
        As given, with the attributes ``charge_method``, ``charge_shift``, ``charge_shift_unc``, ``charge_reference``,
        ``charge_reference_energy``, ``charge_reference_source`` and, where they apply, ``charge_reference_energy_unc``
        (no attribute: not known), ``charge_reference_component``, ``charge_note``, ``charge_control``.
        ``charge_shift_unc`` of a series is the largest of its members.

    Raises
    ------
    NotDeterminedError
        When the fit failed, shows several states of the line, an overlapping line of another element (fitted, known to
        be there, or in the residuals), or fixes the position no better than 0.1 eV.
    InputError
        When the line is not in the fit, members do not match, or a spectrum was corrected before.

    References
    ----------
    ISO 19318 (charge control and charge correction).

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> e = np.arange(178.0, 194.0, 0.1)
    >>> y = 500 + 900 * np.exp(-((e - 184.4) / 0.8) ** 2) + 600 * np.exp(-((e - 186.81) / 0.8) ** 2)
    >>> raw = ss.spectrum(e, np.round(y), technique="XPS", region="Zr 3d")
    >>> moved = ss.xps.charge_correct(raw, ss.xps.fit(raw, "Zr 3d", shift_search=4))
    >>> round(moved.attrs["charge_shift"], 1)
    2.0
    >>> ss.xps.charge_correct(raw, shift=2.0, shift_unc=0.1).attrs["charge_method"]
    'given shift'
    """
    every = [spectra] if isinstance(spectra, xr.Dataset) else _members(spectra)
    for one in every:
        _check_spectrum(one)
    if (fit is None) == (shift is None):
        raise InputError(
            "both a fit and a shift are given" if fit is not None else "neither a fit nor a shift is given",
            where="charge_correct",
            remedy="Pass the fit of the reference region, or shift= (and shift_unc=) where the shift is known",
        )
    if fit is None:
        found = given_shift(shift, shift_unc, control)
    else:
        for one in every:
            _same_sample(one, fit)
        words = energy_words(line, energy, energy_unc, energy_source)
        found = shift_by_line(
            fit, line, energy, component=component, elements=elements, force=force, words=words, control=control
        )
    dims = () if fit is None else schema.series_dims(fit)
    if isinstance(spectra, xr.Dataset):
        return moved_spectrum(spectra, of_members(found, spectra, fit), dims)
    return {name: moved_spectrum(one, of_members(found, one, fit), dims) for name, one in spectra.items()}


def charge_correct_each(
    samples: Mapping[str, Spectra],
    fits: Mapping[str, xr.Dataset],
    *,
    line: str = "Zr 3d5/2",
    energy: float = 182.40,
    component: str | None = None,
    energy_unc: float | None = None,
    energy_source: str = "",
    elements: Collection[str] = (),
    control: str = "",
    force: bool = False,
) -> dict[str, xr.Dataset | dict[str, xr.Dataset]]:
    """Charge-correct several samples, each by its own fit: every sample charges on its own.

    Parameters
    ----------
    samples
        Sample -> one spectrum, or regions and their spectra.
    fits
        Sample -> fit of its reference region, on the measured scale.
    line, energy, component, energy_unc, energy_source, elements, control, force
        As for :func:`charge_correct`, the same for all.

    Returns
    -------
    dict
        Sample -> what :func:`charge_correct` returns.

    Raises
    ------
    InputError
        When a sample has no fit.
    NotDeterminedError
        With every sample whose reference is not determined.

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> e = np.arange(178.0, 194.0, 0.1)
    >>> y = 500 + 900 * np.exp(-((e - 184.4) / 0.8) ** 2) + 600 * np.exp(-((e - 186.81) / 0.8) ** 2)
    >>> raw = {"A": ss.spectrum(e, np.round(y), technique="XPS", region="Zr 3d", sample="A")}
    >>> fits = {"A": ss.xps.fit(raw["A"], "Zr 3d", shift_search=4)}
    >>> round(ss.xps.charge_correct_each(raw, fits)["A"].attrs["charge_shift"], 1)
    2.0
    """
    if not isinstance(samples, Mapping) or not isinstance(fits, Mapping) or not samples:
        raise InputError(
            "samples and fits are no mappings of sample names, or there are none",
            where="charge_correct_each",
            remedy="Pass {'A': {'Zr 3d': spectrum, ...}, ...} and {'A': fit, ...}",
        )
    missing = [str(name) for name in samples if name not in fits]
    if missing:
        raise InputError(
            f"there is no fit of {', '.join(missing)}", where="fits", remedy="Fit the reference region of every sample"
        )
    out: dict[str, xr.Dataset | dict[str, xr.Dataset]] = {}
    refused = []
    for name, spectra in samples.items():
        try:
            out[name] = charge_correct(
                spectra, fits[name], line=line, energy=energy, component=component, energy_unc=energy_unc,
                energy_source=energy_source,
                elements=elements, control=control, force=force,
            )  # fmt: skip
        except NotDeterminedError as error:
            refused.append(f"{name}: {error.message}")
    if refused:
        raise NotDeterminedError(
            "; ".join(refused),
            where="charge_correct_each",
            remedy="Leave these samples out, give their shifts, or pass force=True and answer for it",
        )
    return out


def _members(spectra: object) -> list[xr.Dataset]:
    if not isinstance(spectra, Mapping) or not spectra:
        raise InputError(
            "there are no spectra" if isinstance(spectra, Mapping) else f"spectra is a {type(spectra).__name__}",
            where="charge_correct",
            remedy="Pass one spectrum, or a mapping of regions to spectra",
        )
    return list(spectra.values())


def _check_spectrum(spectrum: xr.Dataset) -> None:
    if isinstance(spectrum, Mapping) and not isinstance(spectrum, xr.Dataset):
        raise InputError(
            "the regions of several samples are given",
            where="charge_correct",
            remedy="Use charge_correct_each(samples, fits): each sample charges on its own",
        )
    schema.check(spectrum, "spectrum")
    if spectrum.attrs["technique"] != "XPS" or schema.axis_of(spectrum) != "binding_energy":
        raise InputError(
            f"this is a {spectrum.attrs['technique']} spectrum on a {schema.axis_of(spectrum)} axis",
            where="charge_correct",
            remedy="Correct XPS spectra on a binding_energy axis; surfspec.spectra.to_binding_energy() converts",
        )
    if "charge_shift" in spectrum.attrs or "energy_shift" in spectrum.coords:
        by = f" by {spectrum.attrs['charge_shift']:g} eV" if "charge_shift" in spectrum.attrs else ", member by member"
        raise InputError(
            f"this spectrum was already shifted{by}",
            where=str(spectrum.attrs.get("region", "")),
            remedy="Correct the spectrum as it was read, once",
        )


def _same_sample(spectrum: xr.Dataset, fit: xr.Dataset) -> None:
    schema.check(fit, "fit")
    ours, theirs = str(spectrum.attrs.get("sample", "")), str(fit.attrs.get("sample", ""))
    if ours and theirs and ours != theirs:
        raise InputError(
            f"the spectrum is of sample {ours!r} and the reference fit of {theirs!r}",
            where="charge_correct",
            remedy="Use the fit of the same sample: each charges on its own",
        )
    dims = schema.series_dims(fit)
    sizes = {dim: fit.sizes[dim] for dim in dims}
    if dims and sizes != {dim: spectrum.sizes[dim] for dim in schema.series_dims(spectrum)}:
        raise InputError(
            f"the fit is a series over {', '.join(f'{dim} ({size})' for dim, size in sizes.items())} and the spectrum "
            f"has {', '.join(schema.series_dims(spectrum)) or 'no'} series dimensions",
            where="charge_correct",
            remedy="Correct a series by the fit of the same members, or select one member of both with .isel()",
        )
