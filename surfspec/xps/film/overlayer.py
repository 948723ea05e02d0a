"""Thickness and coverage of a film from the lines that it adds and the lines that it attenuates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import chdtrc, ndtri

from surfspec import schema, spectra
from surfspec.errors import InputError
from surfspec.fitting.verdict import verdict_of
from surfspec.reference import Material
from surfspec.xps.amounts.areas import check_mapping, number, shows_no_peak
from surfspec.xps.amounts.budget import Transmission
from surfspec.xps.film.inputs import STRAIGHT, check_states, layers_of, references_of, sigma_of
from surfspec.xps.film.model import (
    SAMPLE,
    Estimate,
    Signals,
    estimate,
    profile_limits,
)
from surfspec.xps.film.signals import signals_of
from surfspec.xps.film.table import curve_of, table_of_film

Array = NDArray[np.float64]

#: Highest level of a limit.
SUREST: Final = 0.999999
#: Standard deviation of a coverage of which nothing is known but that it lies between 0 and 1.
IGNORANCE: Final = float(1 / np.sqrt(12))
#: Probability of the chi-square below which the lines contradict each other.
CONTRADICTION: Final = 0.01


def thickness(
    fits: Mapping[str, xr.Dataset],
    *,
    film: str | Material,
    substrate: str | Material,
    model: Literal["uniform", "patchy"] = "uniform",
    lines: Sequence[str] | None = None,
    states: Mapping[str, str] | None = None,
    contamination: str | Material | None = None,
    bare_substrate: Mapping[str, xr.Dataset] | None = None,
    thick_film: Mapping[str, xr.Dataset] | None = None,
    emission_angle: float = 0.0,
    attenuation: str = "TPP-2M",
    library: str | Mapping[str, float] = "scofield",
    transmission: Transmission = None,
    uncertainties: Mapping[str, float] | None = None,
    level: float = 0.95,
    force: bool = False,
) -> xr.Dataset:
    r"""Return the thickness, and the coverage, of a film on a substrate.

    .. math:: I = g\,s\,T\,\bigl\{\theta\,[N_f L_f (1 - e^{-d/(L_f\cos\alpha)}) + N_s L_s\,e^{-d/(L_f\cos\alpha)}]
              + (1 - \theta)\,N_s L_s\bigr\}

    for each line, with the atoms a volume N and the lengths L of film (f) and substrate (s) at its kinetic energy,
    emission angle :math:`\alpha`, coverage :math:`\theta`. An element of both, sodium of Na3PO4 on NaSICON say, is
    part of both terms. Thickness, coverage and the gain g fit all lines together, and with them the errors of the
    inputs as far as their uncertainties let them move (weighted least squares with priors): errors common to several
    lines are common in the fit.

    A film of one coverage and another of a second, thicker where it covers less, may explain the lines equally well:
    ``trial_thickness`` over ``trial_coverage`` shows which. One ratio of lines never tells them apart.

    Parameters
    ----------
    fits
        Fit of each region of one sample.
    film, substrate
        Materials: names of :func:`surfspec.reference.material_names`, or :class:`surfspec.reference.Material`.
    model
        ``"uniform"``: the film covers everything; the thickness is the equivalent one of a patchy film.
        ``"patchy"``: the coverage is fitted too; it needs three lines at least.
    lines
        Regions to use. By default those of the elements of film and substrate but oxygen and carbon, which
        contamination and adsorbates hold as well.
    states
        Species of the fits that belong to one layer only: ``{"SiO2": "film", "Si": "substrate"}``.
    contamination
        Material of a layer on top of everything, ``"adventitious carbon"``; its thickness is found from C 1s.
    bare_substrate, thick_film
        Fits of the substrate alone and of a thick film, measured likewise: sensitivity factors cancel against them.
    emission_angle
        Degrees between surface normal and analyser, 0 to 80. From 60 on elastic scattering bends the model; beyond 65
        a reason says so.
    attenuation
        ``"TPP-2M"``: inelastic mean free paths, electrons fly straight. ``"S3"``: attenuation lengths by Seah's curve,
        15 to 35 % shorter in oxides, with elastic scattering; its terms for compounds are unverified.
    library, transmission
        As for :func:`quantify`.
    uncertainties
        Relative standard uncertainties of the inputs: ``sensitivity`` (each core level, 0.05), ``film_length``,
        ``substrate_length``, ``contamination_length`` (by default 0.10, S3 0.15, and what density and band gap add),
        ``density`` (ratio of film and substrate, 0.03), ``transmission_exponent`` (0.05), ``bare_gain``,
        ``thick_gain`` (gain of the references, 0.10).
    level
        Level of the limits, one-sided.
    force
        Use failed fits.

    Returns
    -------
    xarray.Dataset
        Kind ``table``: ``thickness`` and ``coverage`` with ``_unc`` (NaN where not determined) and ``covariance``
        over ``quantity``, ``lower_limit`` and ``upper_limit`` (profile likelihood; NaN where there is none),
        ``equivalent_thickness`` (of a uniform film) with its limits, ``mean_thickness`` (coverage times thickness),
        ``contamination`` (nm), ``chi2``, ``dof``, ``verdict``, ``reasons``; over ``line``: ``observed``,
        ``predicted``, ``pull``, ``film_share``, ``kinetic_energy``, ``film_length``; over ``source``: ``budget``
        (nm); the curve over ``trial_coverage``.

    Raises
    ------
    InputError
        For unknown materials, lines or states, a film of the substrate's material, states of an element and its oxide
        that are exchanged, references without a region of the sample, angles beyond 80 degrees.
    NotDeterminedError
        When a fit failed, or there are not two lines.

    References
    ----------
    Cumpson & Seah, Surf. Interface Anal. 25 (1997) 430; ISO 14701 (silicon oxide); Tanuma, Powell & Penn, Surf.
    Interface Anal. 21 (1994) 165; Seah, ibid. 44 (2012) 1353.

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> def line(region, low, place, area):
    ...     e = np.arange(low, low + 16.0, 0.1)
    ...     y = 300 + area * np.exp(-((e - place) / 0.9) ** 2)
    ...     one = ss.spectrum(e, np.round(y), technique="XPS", region=region, photon_energy=1486.6)
    ...     return ss.xps.fit(one, region)
    >>> fits = {"Na 1s": line("Na 1s", 1064.0, 1071.4, 900.0), "Si 2p": line("Si 2p", 95.0, 102.0, 300.0)}
    >>> found = ss.xps.thickness(fits, film="Na2CO3", substrate="SiO2")
    >>> bool(0.3 < found.thickness < 1.0)
    True
    """
    check_mapping(fits, "thickness")
    layers = layers_of(film, substrate, contamination, attenuation, emission_angle, library, transmission, states)
    sigma = sigma_of(uncertainties)
    if model not in ("uniform", "patchy"):
        raise InputError(f"model is {model!r}", where="model", remedy="Use 'uniform' or 'patchy'")
    number(level, "level", 0.5, SUREST)
    references = references_of(fits, bare_substrate, thick_film)
    check_states([fit for one in (fits, *references.values()) for fit in one.values()], layers)
    signals, names, kinetic, units = signals_of(fits, references, layers, sigma, lines=lines, force=force)
    contaminated = layers.contamination is not None
    _enough(signals, contaminated)
    uniform = estimate(signals, contaminated=contaminated)
    patchy = model == "patchy"
    best = estimate(signals, patchy=True, contaminated=contaminated) if patchy else uniform
    rise = float(ndtri(level)) ** 2
    whole = profile_limits(signals, uniform, rise, patchy=False, contaminated=contaminated)
    limits = profile_limits(signals, best, rise, patchy=True, contaminated=contaminated) if patchy else whole
    reasons = _reasons(best, limits, patchy=patchy)
    if emission_angle > STRAIGHT:
        reasons.append(f"model inadequate: electrons do not fly straight at {emission_angle:g} degrees from the normal")
    used = {name: fits[name] for name in fits if any(label.split(" (")[0] == name for label in names)}
    absent = [name for name, fit in used.items() if shows_no_peak(fit)]
    if absent:
        reasons.append(f"below detection: {', '.join(absent)}, counted as zero with its uncertainty")
    doubtful = [name for name, fit in used.items() if str(fit["verdict"].item()) != "ok" and not shows_no_peak(fit)]
    if doubtful:
        reasons.append(f"model inadequate: the fit of {', '.join(doubtful)} is doubtful itself")
    out = table_of_film(
        signals, names, kinetic, units, best, uniform, limits, whole, reasons, contaminated=contaminated
    )
    out = out.assign(curve_of(signals, contaminated))
    out["verdict"] = ((), np.array(verdict_of(reasons)))
    out.attrs |= {
        "model": model, "film": layers.film.name, "substrate": layers.substrate.name,
        "contamination_material": layers.contamination.name if layers.contamination is not None else "",
        "attenuation": attenuation, "emission_angle": float(emission_angle), "limit_level": float(level),
        "library": library if isinstance(library, str) else "given by the user",
        "materials_verified": "yes" if layers.film.verified and layers.substrate.verified else "no",
        **{f"unc_{key}": value for key, value in signals.sigma.items()},
        **spectra.origin(*fits.values(), *(fit for one in references.values() for fit in one.values())),
    }  # fmt: skip
    return schema.check(out, "table")


def _enough(signals: Signals, contaminated: bool) -> None:
    own = int(np.sum(signals.sample == SAMPLE))
    mixed = np.ptp(signals.film / (signals.film + signals.substrate + signals.contamination)) > 0
    if contaminated and not np.any(signals.contamination > 0):
        raise InputError(
            "the thickness of the contamination has no line", where="contamination", remedy="Add the fit of C 1s"
        )
    if own < 1 or signals.intensity.size < 2 + contaminated:
        raise InputError(
            f"{own} line{'s' if own != 1 else ''} tell{'s' if own == 1 else ''} nothing about a film",
            where="thickness",
            remedy="Fit a line of the film and one of the substrate at least, or pass bare_substrate=",
        )
    if not mixed and not np.any(signals.sample != SAMPLE):
        raise InputError(
            "every line comes from both layers in the same proportion",
            where="thickness",
            remedy="Add a line that only one of them has, or pass bare_substrate=",
        )


def _reasons(best: Estimate, limits: tuple[float, float], *, patchy: bool) -> list[str]:
    """Return what is to be said about an estimate, in the words of the verdicts."""
    found = []
    if not np.isfinite(limits[1]):
        least = f", {limits[0]:.2g} nm or more" if np.isfinite(limits[0]) else ""
        found.append(f"not determined: thickness, the film may be thicker than the lines reach{least}")
    elif not np.isfinite(limits[0]):
        found.append(f"below detection: thickness, {limits[1]:.2g} nm at most")
    if patchy and (best.dof < 0 or not best.of("coverage")[1] < IGNORANCE):
        found.append("not determined: coverage and thickness apart, see the curve over trial_coverage")
    if best.dof > 0 and chdtrc(best.dof, best.chi2) < CONTRADICTION:
        found.append(f"model inadequate: the lines contradict each other (chi-square {best.chi2:.1f} of {best.dof})")
    return found
