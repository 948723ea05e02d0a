"""Refinement of a powder pattern: cells, profile, texture, scales and weight fractions of phases that are known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import schema
from surfspec.errors import InputError
from surfspec.xrd.lines.axis import check_degrees
from surfspec.xrd.patterns.wavelengths import Radiation, radiation
from surfspec.xrd.refinement import result, stages
from surfspec.xrd.refinement.lattice import Lattice, factors_from_spacings
from surfspec.xrd.refinement.options import Refinement
from surfspec.xrd.refinement.request import Which, chosen_phases, named, settings_of, structures_of
from surfspec.xrd.structures.phase import Phase

Array = NDArray[np.float64]

#: Fewest points that are refined.
FEWEST = 50
#: Relative difference up to which two wavelengths are the same radiation.
SAME_WAVELENGTH = 0.005


def refine(
    spectrum: xr.Dataset,
    phases: Which,
    *,
    options: Refinement | None = None,
    instrument: xr.Dataset | None = None,
    structures: Iterable[Phase | Lattice] = (),
    wavelength: str | float | None = None,
    **changes: Any,
) -> xr.Dataset:
    r"""Refine the cells, the profile, texture and scales of known phases against a whole pattern.

    .. math:: y_i = b_i + \sum_j s_j \sum_{hkl} \frac{m |F|^2}{V^2}\, LP\, P_{hkl}\, \Omega(2\theta_i - 2\theta_{hkl})

    with a spline background b, March-Dollase texture P and Thompson-Cox-Hastings lines
    (:mod:`surfspec.xrd.refinement.phase_model`). Scales and background are fitted at every step by projection, the
    other parameters by damped Gauss-Newton steps with exact derivatives; weights are 1/variance of the model, so that
    faint points do not pull the fit down. A phase without a structure (a :class:`~surfspec.xrd.Lattice`, or one named
    in ``pawley=``) has free, non-negative areas instead (Pawley 1981, J. Appl. Cryst. 14, 357; lines closer than
    0.3 FWHM are one). Pawley and not Le Bail, because free areas in the same least squares have a covariance.

    Parameters
    ----------
    spectrum
        One pattern over ``two_theta`` (deg).
    phases
        What :func:`surfspec.xrd.match` found (its phases, cells and shifts are the start), or ids, phases and lattices.
    options
        A :class:`~surfspec.xrd.Refinement`; any of its fields as a further keyword (``shifts="both"``) overrides it.
    instrument
        A refinement of a standard: its U, V, W and asymmetry are kept, its X and Y are what size and strain add to.
    structures
        Phases of your own that a match names and that are no cards.
    wavelength
        As for :func:`surfspec.xrd.radiation`; by default that of the match or the file. Never guessed.

    Returns
    -------
    xarray.Dataset
        Kind ``fit``. Over ``component`` (phase ids): ``cell_length`` (component, axis; angstrom), ``cell_angle`` (deg),
        ``cell_volume``, ``cell_covariance``, ``scale``, ``scale_covariance``, ``weight_fraction`` (1), ``size`` (nm),
        ``strain``, ``texture``, ``r_bragg`` (%), each with its ``_unc``. Over ``reflection``: calculated and observed
        areas. ``r_wp``, ``r_exp`` (%), ``goodness_of_fit``, ``durbin_watson``, ``inflation``; ``value`` over
        ``parameter``; curves over ``two_theta``; ``verdict`` and ``reasons``.

    Raises
    ------
    InputError
        Without a wavelength or phases, for a series, for angles that are no degrees of 2 theta, for options that are
        none or name a phase that is not refined, or for a pattern that is too short or empty.

    Notes
    -----
    Every ``_unc`` is the statistical uncertainty times ``inflation``, see :mod:`surfspec.xrd.refinement.covariance`.
    With ``shifts="auto"`` that of a cell holds that a zero shift may explain the pattern as well as a displacement:
    ``zero_length`` is the cell with it, see :mod:`surfspec.xrd.refinement.shift_choice`.
    That of a weight fraction holds what is not refined as well (:func:`surfspec.xrd.amounts.weights.systematic`).
    A cell that the data do not fix rests on its prior (1 %, or ``cell_prior``) and has no uncertainty.

    References
    ----------
    Rietveld (1969) J. Appl. Cryst. 2, 65; Hill & Howard (1987) J. Appl. Cryst. 20, 467.

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> x, lead = np.arange(25.0, 90.0, 0.02), ss.xrd.phases("Pb_fcc")[0]
    >>> made = ss.xrd.pattern(lead, wavelength="CuKa", two_theta=x).intensity.values
    >>> counts = np.random.default_rng(3).poisson(100 + 5e3 * made / made.max())
    >>> fit = ss.xrd.refine(ss.spectrum(x, counts, technique="XRD"), "Pb_fcc", wavelength="CuKa")
    >>> bool(abs(fit.cell_length.values[0, 0] - lead.cell[0]) < 5e-4)
    True
    """
    schema.check(spectrum, "spectrum")
    where = str(spectrum.attrs.get("source_file", ""))
    if schema.axis_of(spectrum) != "two_theta":
        raise InputError("only patterns over two_theta are refined", where=where, remedy="Pass an XRD pattern")
    if schema.series_dims(spectrum):
        raise InputError(
            "this is a series of patterns", where=where, remedy="Select one with isel(), or refine each in a loop"
        )
    found = phases if isinstance(phases, xr.Dataset) else None
    check_degrees(spectrum["two_theta"].values.astype(np.float64), where or "two_theta")
    chosen = chosen_phases(found if found is not None else phases, structures_of(structures))
    settings = named(settings_of(options, changes, found), chosen)
    light, notes = _light(spectrum, found, wavelength, settings)
    cut = _cut(spectrum, settings, where)
    stated = cut["intensity_unc"].values.astype(np.float64) if "intensity_unc" in cut else None
    profile = _profile(instrument)
    fit = stages.run(
        cut["two_theta"].values.astype(np.float64), cut["intensity"].values.astype(np.float64),
        str(cut.attrs["statistics"]), stated, light, chosen, settings, _start(found, chosen, settings, profile),
    )  # fmt: skip
    return result.dataset_of(cut, fit, _text(settings), notes, profile)


def _light(
    spectrum: xr.Dataset, found: xr.Dataset | None, wavelength: str | float | None, settings: Refinement
) -> tuple[Radiation, list[str]]:
    stated = spectrum.attrs.get("wavelength_name") or spectrum.attrs.get("wavelength")
    if wavelength is None and found is not None:
        wavelength = found.attrs.get("wavelength_name") or found.attrs.get("wavelength")
    light = radiation(wavelength if wavelength is not None else stated, ka2_ratio=settings.ka2_ratio)
    known = spectrum.attrs.get("wavelength")
    if isinstance(known, int | float | np.number) and known > 0:
        used = light.wavelengths[0]
        if abs(float(known) - used) > SAME_WAVELENGTH * float(known):
            return light, [f"ambiguous: the file says {float(known):.5g} angstrom, {used:.5g} was asked"]
    return light, []


def _cut(spectrum: xr.Dataset, settings: Refinement, where: str) -> xr.Dataset:
    x = spectrum["two_theta"].values
    low, high = settings.two_theta or (1.0, 178.0)
    inside = (x >= max(low, 1.0)) & (x <= min(high, 178.0))
    cut = spectrum.isel(two_theta=np.flatnonzero(inside))
    y = cut["intensity"].values
    if inside.sum() < FEWEST:
        raise InputError(
            f"{int(inside.sum())} points between {low:g} and {high:g} deg are too few to refine",
            where=where or "two_theta", remedy="Pass a longer pattern",
        )  # fmt: skip
    if not np.all(np.isfinite(y)) or float(np.ptp(y)) == 0.0:
        raise InputError("the pattern is constant or not finite", where=where, remedy="Pass a measured pattern")
    if "intensity_unc" in cut and not np.all(cut["intensity_unc"].values > 0):
        raise InputError(
            "some uncertainties are not positive", where=where, remedy="Leave those points out, or give counts"
        )
    return cut


def _profile(instrument: xr.Dataset | None) -> dict[str, float] | None:
    if instrument is None:
        return None
    schema.check(instrument, "fit")
    roles = ("U", "V", "W", "asymmetry", "X", "Y")
    if any(f"profile_{role}" not in instrument.attrs for role in roles):
        raise InputError(
            "this fit holds no profile of an instrument", where="instrument",
            remedy="Pass what refine() returned for a standard such as LaB6",
        )  # fmt: skip
    return {role: float(instrument.attrs[f"profile_{role}"]) for role in roles}


def _start(
    found: xr.Dataset | None, chosen: Sequence[Phase | Lattice], settings: Refinement, profile: dict[str, float] | None
) -> stages.Start:
    if found is None:
        return stages.Start(instrument=profile)
    zero, other = (float(found.attrs.get(f"{name}_shift", 0.0)) for name in ("zero", "displacement"))
    middle = np.cos(np.radians(25.0))
    shift = zero + other * middle if settings.shifts == "zero" else other + zero / middle
    factors: list[Array | None] = []
    for one in chosen:
        own = found["reflection_phase"].values.astype(np.str_) == one.id
        hkl = np.stack([found[name].values[own] for name in "hkl"], axis=1).astype(np.int64)
        d = found["reflection_d"].values[own].astype(np.float64)
        fine = np.isfinite(d) & (d > 0)
        factors.append(factors_from_spacings(one, hkl[fine], d[fine]) if np.any(fine) else None)
    return stages.Start(float(shift), tuple(factors), profile)


def _text(settings: Refinement) -> str:
    return "{" + ", ".join(f"{key}: {value!r}" for key, value in asdict(settings).items()) + "}"
