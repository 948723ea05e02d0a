"""Weight fractions from the scales of a match, with covariance, and a warning where microabsorption spoils them."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import schema
from surfspec.errors import InputError
from surfspec.xrd.patterns.structure_factors import anomalous
from surfspec.xrd.patterns.wavelengths import HC
from surfspec.xrd.structures.phase import Phase, orbits

Array = NDArray[np.float64]

#: Classical electron radius in angstrom (CODATA 2018: 2.8179403262e-15 m).
ELECTRON_RADIUS = 2.8179403262e-5
#: Grain size (micrometre) assumed where none is known: a well ground powder.
GRAIN = 5.0
#: Relative standard uncertainty of a scale from what is not refined (displacement parameters, texture, extinction, mild
#: microabsorption), chosen after the scatter of participants for sample 1 of the IUCr round robin
#: (Madsen et al. 2001, J. Appl. Cryst. 34, 409: about 1 to 3 wt% around one third).
SYSTEMATIC = 0.06
#: |mu - mean| D above which Brindley's powders are no longer fine (0.01 to 0.1 is medium).
BRINDLEY = 0.1


def absorption(phase: Phase, wavelength: float) -> float:
    r"""Linear photoabsorption coefficient of a phase, cm^-1.

    .. math:: \mu = \frac{2 r_e \lambda}{V} \sum_j o_j f''_j

    Parameters
    ----------
    phase
        The structure.
    wavelength
        Angstrom.

    Returns
    -------
    float
        cm^-1, scattering not included. The f'' of Cromer & Liberman are good to a few per cent (that of Pb for Cu Ka
        gives 7 % less than the tabulated total absorption).

    References
    ----------
    International Tables for Crystallography C, 4.2.6 (optical theorem).

    Examples
    --------
    >>> from surfspec import xrd
    >>> 115 < absorption(xrd.phases(["corundum"])[0], 1.5406) < 135
    True
    """
    total = sum(
        len(points) * occupancy * anomalous(symbol, HC / wavelength).imag
        for site, points in zip(phase.sites, orbits(phase), strict=True)
        for symbol, occupancy in site.species.items()
    )
    return float(2.0 * ELECTRON_RADIUS * wavelength * total / phase.volume * 1e8)


def fractions(
    scale: Array, covariance: Array, density: Array, systematic: float | Array = SYSTEMATIC
) -> tuple[Array, Array]:
    r"""Weight fractions of scales, and their covariance by linear propagation.

    .. math:: w_j = \frac{S_j (ZMV)_j}{\sum_k S_k (ZMV)_k} = \frac{s_j \rho_j}{\sum_k s_k\rho_k}

    where S multiplies m|F|^2 LP and s = S V^2 multiplies m|F|^2 LP / V^2.

    Parameters
    ----------
    scale, density
        s and the densities, shape (n,).
    covariance
        Of the scales, shape (n, n).
    systematic
        Further relative standard uncertainty of the scales, a number or shape (n,), independent between phases.

    Returns
    -------
    fraction, covariance
        Shapes (n,) and (n, n).

    References
    ----------
    Hill & Howard (1987) J. Appl. Cryst. 20, 467.

    Examples
    --------
    >>> w, c = fractions(np.array([1.0, 3.0]), np.diag([0.01, 0.01]), np.array([1.0, 1.0]))
    >>> w.tolist()
    [0.25, 0.75]
    """
    mass = scale * density
    total = float(mass.sum())
    if total <= 0:
        return np.full(len(scale), np.nan), np.full((len(scale), len(scale)), np.nan)
    w = mass / total
    covariance = covariance + np.diag((systematic * scale) ** 2)
    jacobian = (np.eye(len(w)) - w[:, None]) * density[None, :] / total
    return w, np.asarray(jacobian @ covariance @ jacobian.T)


def contrast(absorptions: Array, fraction: Array, density: Array, grain: float = GRAIN) -> Array:
    """Brindley's |mu_j - mean mu| D of each phase (dimensionless); the mean is over volume fractions.

    References
    ----------
    Brindley (1945) Philos. Mag. 36, 347.
    """
    volume = fraction / density
    mean = float(np.sum(volume * absorptions) / np.sum(volume))
    return np.asarray(np.abs(absorptions - mean) * grain * 1e-4)


def systematic(scatter: Array, absorptions: Array, scale: Array, density: Array) -> Array:
    r"""Relative standard uncertainty of scales from what is not refined.

    .. math:: u^2 = 0.06^2 + (r/2)^2 + (c/2)^2

    with the scatter r of observed over calculated areas of the clean lines (texture, coarse grains, wrong
    structure; some four independent directions) and Brindley's contrast c for 5 um grains (half: the size may be
    anything below).

    Parameters
    ----------
    scatter, absorptions, scale, density
        r (1), cm^-1, s and g/cm^3, shape (n,).

    Returns
    -------
    numpy.ndarray
        Shape (n,).
    """
    share = scale * density / max(float(np.sum(scale * density)), 1e-300)
    spread = contrast(absorptions, share, density) if len(scale) > 1 else np.zeros(len(scale))
    return np.sqrt(SYSTEMATIC**2 + (scatter / 2.0) ** 2 + (spread / 2.0) ** 2)


def quantify(match: xr.Dataset, *, grain: float = GRAIN) -> xr.Dataset:
    r"""Weight fractions of the crystalline phases of a match, with covariance and absorption contrast.

    Parameters
    ----------
    match
        What :func:`surfspec.xrd.match` returned, for one pattern.
    grain
        Grain size in micrometre, for the judgement of microabsorption.

    Returns
    -------
    xarray.Dataset
        Kind ``table``: ``weight_fraction`` with ``_unc`` (phase), ``weight_fraction_covariance`` (phase, phase_b),
        ``contrast`` (phase), Brindley's difference of absorption from the mean, times grain size.
        ``attrs["reasons"]`` says where the fractions are not to be trusted. Uncertainties are NaN where the match has
        none, because too much of its signal is unexplained.

    Raises
    ------
    InputError
        When no phase was identified or the match is a series.

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> x, silicon = np.arange(20.0, 80.0, 0.02), ss.xrd.phases("Si")[0]
    >>> made = ss.xrd.pattern(silicon, wavelength="CuKa1", two_theta=x, scale=3e4)
    >>> counts = np.random.default_rng(0).poisson(made.intensity.values / made.intensity.values.max() * 5e3 + 50)
    >>> found = ss.xrd.match(ss.spectrum(x, counts, technique="XRD"), phases=[silicon], wavelength="CuKa1")
    >>> ss.xrd.quantify(found).weight_fraction.values.tolist()
    [1.0]
    """
    schema.check(match, "match")
    if match["scale"].ndim != 1:
        raise InputError("this match is a series", where="match", remedy="Select one pattern with isel()")
    if match.sizes["phase"] == 0:
        raise InputError("no phase was identified", where="match", remedy="There is nothing to quantify")
    fraction, covariance = fractions(match["scale"].values, match["scale_covariance"].values, match["density"].values)
    if np.any(np.isnan(match["weight_fraction_unc"].values)):
        covariance = np.full_like(covariance, np.nan)
    contrasts = contrast(match["absorption"].values, fraction, match["density"].values, grain)
    reasons = [
        f"microabsorption: {name} absorbs differently (contrast {value:.2f} for {grain:g} um grains)"
        for name, value in zip(match["phase"].values, contrasts, strict=True)
        if value > BRINDLEY and len(fraction) > 1
    ]
    if np.any(np.isnan(covariance)):
        reasons.append("model inadequate: too much of the signal is not explained, the fractions have no uncertainty")
    unit = {"units": "1"}
    data = {
        "weight_fraction": ("phase", fraction, unit | {"long_name": "Weight fraction of the crystalline phases"}),
        "weight_fraction_unc": ("phase", np.sqrt(np.diag(covariance)), unit | {"long_name": "Standard uncertainty"}),
        "weight_fraction_covariance": (("phase", "phase_b"), covariance, unit),
        "contrast": ("phase", contrasts, unit | {"long_name": "Brindley contrast |μ - mean μ| D"}),
    }
    kept = {name: match[name] for name in ("name", "formula", "space_group", "trust")}
    coords = {"phase": match["phase"], "phase_b": ("phase_b", match["phase"].values), **kept}
    attrs = {"kind": "table", "technique": "XRD", "reasons": "; ".join(reasons), "grain_um": float(grain),
             "inputs": "match.weight_fraction, match.weight_fraction_covariance, match.absorption"}  # fmt: skip
    return xr.Dataset(data, coords=coords, attrs=attrs)
