"""Weight, volume and molar fractions of the phases of a match, a refinement, or a series of either."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import given, schema
from surfspec.errors import InputError
from surfspec.xrd.amounts import microabsorption, scales, weights
from surfspec.xrd.amounts.formulas import molar_mass
from surfspec.xrd.amounts.grains import Grain, Size, distribution
from surfspec.xrd.amounts.intensity_ratio import reference_intensity_ratio
from surfspec.xrd.amounts.scales import Scales
from surfspec.xrd.structures.cards import phases as load_phases

Array = NDArray[np.float64]

METHODS: Final = ("zmv", "rir")


@dataclass(frozen=True)
class Amounts:
    """What one pattern says: fractions of the crystalline phases, and with a standard those of the whole sample."""

    fraction: Array
    covariance: Array
    factor: Array
    contrast: Array
    absolute: Array
    absolute_covariance: Array
    amorphous: float
    amorphous_unc: float
    reasons: tuple[str, ...]


def quantify(
    found: xr.Dataset,
    *,
    method: str = "zmv",
    grain: Grain = None,
    standard: Mapping[str, Size] | None = None,
    ratios: Mapping[str, float] | None = None,
) -> xr.Dataset:
    r"""Weight fractions of the phases of a match or a refinement, with covariance.

    .. math:: w_j = \frac{s_j \rho_j / \tau_j}{\sum_k s_k \rho_k / \tau_k}

    with the scales s (of m|F|^2 LP / V^2), densities and Brindley's factors of microabsorption, 1 unless grain sizes
    are given. Without them the uncertainty holds what sizes of an unsorted laboratory powder would do.

    Parameters
    ----------
    found
        What :func:`surfspec.xrd.match` or :func:`surfspec.xrd.refine` returned, one pattern or a series.
    method
        ``"zmv"``: the scale of the whole pattern. ``"rir"``: the strongest clean line of each phase and its reference
        intensity ratio (matches only), as those do who measured ratios.
    grain
        Diameter of the grains in micrometre, or (diameter, standard uncertainty), one for all or by phase. None:
        not known.
    standard
        An internal standard: ``{"corundum": 0.2}``, its fraction by weight of the mixture that was measured, or
        (fraction, standard uncertainty).
    ratios
        Measured I/Ic by phase for ``"rir"``; the others are calculated.

    Returns
    -------
    xarray.Dataset
        Kind ``table``, over ``phase`` and the dimensions of the series: ``weight_fraction``, ``volume_fraction`` and
        ``molar_fraction`` (of formula units) with ``_unc``, all of the crystalline phases (1);
        ``weight_fraction_covariance`` (phase, phase_b); ``absorption_factor`` (Brindley's tau) and ``contrast``
        (\|mu - mean mu\| D for the grain size given, 5 um where none is). With a standard ``absolute_fraction`` of the
        sample before the standard was added, its covariance, and ``amorphous``, which may be negative within its
        uncertainty. ``reasons`` says where fractions are not to be trusted.
        A phase absent from one pattern of a series has fraction 0 and no uncertainty: its limit is in the match.

    Raises
    ------
    InputError
        When nothing was identified, for an unknown method, phase or grain size, or a standard that was not found.

    References
    ----------
    Hill & Howard (1987) J. Appl. Cryst. 20, 467 (ZMV); Chung (1974) J. Appl. Cryst. 7, 519 (ratios);
    Brindley (1945) Philos. Mag. 36, 347 (microabsorption).

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
    schema.check(found)
    dim = scales.dimension(found)
    if method not in METHODS:
        raise InputError(f"unknown method {method!r}", where="method", remedy=f"Choose one of {', '.join(METHODS)}")
    if found.sizes[dim] == 0:
        raise InputError("no phase was identified", where="found", remedy="There is nothing to quantify")
    ids = tuple(str(name) for name in found[dim].values)
    sizes = distribution(grain, ids)
    added = _standard(standard, ids)
    factor = _ratio_factors(method, ratios, ids, found)
    leading = scales.series_dims(found)
    members = [found.isel(dict(zip(leading, index, strict=True)))
               for index in np.ndindex(*(found.sizes[name] for name in leading))]  # fmt: skip
    parts = [_amounts(scales.read(one), sizes, added, factor, method) for one in members]
    table = _table(found, dim, leading, ids, parts, added is not None)
    table.attrs["method"] = method
    table.attrs["grain"] = "not known" if grain is None else str(grain)
    table.attrs["standard"] = "" if added is None else ids[added[0]]
    return schema.check(table, "table")


def _standard(standard: Mapping[str, Size] | None, ids: tuple[str, ...]) -> tuple[int, float, float] | None:
    if standard is None:
        return None
    if not isinstance(standard, Mapping) or len(standard) != 1:
        raise InputError(
            f"the standard is {given.shown(standard)}", where="standard", remedy="Give one, as {'corundum': 0.2}"
        )
    name, entry = next(iter(standard.items()))
    if name not in ids:
        raise InputError(
            f"the standard {name!r} was not found in the pattern",
            where="standard",
            remedy=f"The phases are {', '.join(ids)}",
        )
    pair = entry if isinstance(entry, tuple | list) else (entry, 0.0)
    if len(pair) != 2:
        raise InputError(
            f"the standard is {given.shown(entry)}", where="standard", remedy="Give (fraction, uncertainty)"
        )
    share = given.number(pair[0], "standard", low=0.0, high=1.0, above=True)
    if share >= 1.0:
        raise InputError("the standard is the whole sample", where="standard", remedy="Give its fraction by weight")
    return ids.index(name), share, given.number(pair[1], "standard", low=0.0, high=share)


def _ratio_factors(method: str, ratios: Mapping[str, float] | None, ids: tuple[str, ...], found: xr.Dataset) -> Array:
    """Return calculated over measured I/Ic of each phase, 1 where none was measured."""
    factor = np.ones(len(ids))
    if method == "rir" and "observed_ratio" not in found:
        raise InputError(
            "a refinement has no areas of single lines", where="method", remedy="Pass a match, or use method='zmv'"
        )
    if ratios and method != "rir":
        raise InputError("ratios go with method='rir'", where="ratios", remedy="Choose method='rir', or leave them out")
    if ratios is not None and not isinstance(ratios, Mapping):
        raise InputError(f"ratios are {given.shown(ratios)}", where="ratios", remedy="Give I/Ic by phase: {'ZnO': 5.2}")
    for name, value in (ratios or {}).items():
        if name not in ids:
            raise InputError(
                f"a ratio is given for {name!r}, which is not there", where="ratios", remedy=f"Phases: {', '.join(ids)}"
            )
        measured = given.number(value, f"ratio of {name}", low=0.0, high=1000.0, above=True)
        light = float(found.attrs["wavelength"])
        factor[ids.index(name)] = reference_intensity_ratio(load_phases([name])[0], wavelength=light) / measured
    return factor


def _amounts(
    one: Scales,
    sizes: tuple[Array, Array, NDArray[np.bool_]],
    added: tuple[int, float, float] | None,
    factor: Array,
    method: str,
) -> Amounts:
    """Quantify one pattern; phases with scale 0 are absent."""
    if method == "rir":
        one = one.factored(factor * one.strongest)
    count = len(one.phase)
    here = np.flatnonzero(one.scale > 0)
    w, tau, contrasts = np.zeros(count), np.full(count, np.nan), np.full(count, np.nan)
    covariance = np.full((count, count), np.nan)
    if not len(here):
        lost = np.full(count, np.nan)
        return Amounts(lost, covariance, tau, contrasts, lost, covariance, np.nan, np.nan, ("no phase",))
    median, spread, known = sizes[0][here], sizes[1][here], sizes[2][here]
    density, absorptions = one.density[here], one.absorption[here]
    mass = one.scale[here] * density
    w[here], tau[here] = microabsorption.corrected(mass, density, absorptions, np.where(known, median, 0.0))
    relative = one.total[np.ix_(here, here)] / np.outer(one.scale[here], one.scale[here])
    jacobian = np.diag(w[here]) - np.outer(w[here], w[here])
    part = jacobian @ relative @ jacobian.T
    if len(here) > 1:
        part = part + microabsorption.spread(mass, density, absorptions, w[here], median, spread)
    covariance[np.ix_(here, here)] = part if one.trusted else np.nan
    judged = np.where(known, median, weights.GRAIN)
    contrasts[here] = weights.contrast(absorptions, w[here], density, 1.0) * judged
    reasons = _reasons([one.phase[i] for i in here], contrasts[here], known, one.trusted)
    absolute, absolute_covariance, amorphous, amorphous_unc = _absolute(w, covariance, added, here)
    if amorphous < -2.0 * amorphous_unc:
        reasons.append(
            f"model inadequate: an amorphous part of {100 * amorphous:.1f} wt% is below zero by over 2 uncertainties"
        )
    return Amounts(
        w, covariance, tau, contrasts, absolute, absolute_covariance, amorphous, amorphous_unc, tuple(reasons)
    )


def _reasons(names: list[str], contrasts: Array, known: NDArray[np.bool_], trusted: bool) -> list[str]:
    found = []
    for name, value, sized in zip(names, contrasts, known, strict=True):
        if value > 1.0 and len(names) > 1:
            found.append(
                f"model inadequate: {name} is beyond Brindley's theory of microabsorption (contrast {value:.1f})"
            )
        elif value > weights.BRINDLEY and len(names) > 1:
            what = "corrected for the grain size given" if sized else f"for {weights.GRAIN:g} um grains, not corrected"
            found.append(f"microabsorption: {name} absorbs differently (contrast {value:.2f} {what})")
    if not trusted:
        found.append("model inadequate: too much of the signal is not explained, the fractions have no uncertainty")
    return found


def _absolute(
    w: Array, covariance: Array, added: tuple[int, float, float] | None, here: NDArray[np.int64]
) -> tuple[Array, Array, float, float]:
    """Fractions of the sample before the standard was added, and its amorphous part."""
    count = len(w)
    nothing = np.full(count, np.nan), np.full((count, count), np.nan), np.nan, np.nan
    if added is None or added[0] not in here:
        return nothing
    place, share, unc = added
    ratio = share / (1.0 - share) / w[place]
    absolute = ratio * w
    jacobian = ratio * np.eye(count)
    jacobian[:, place] -= absolute / w[place]
    by_share = w / w[place] / (1.0 - share) ** 2
    absent = ~np.isin(np.arange(count), here)
    filled = np.where(absent[:, None] | absent, 0.0, covariance)
    total = jacobian @ filled @ jacobian.T + np.outer(by_share, by_share) * unc**2
    others = np.array([i for i in here if i != place], dtype=np.int64)
    amorphous = 1.0 - float(absolute[others].sum())
    amorphous_unc = float(np.sqrt(total[np.ix_(others, others)].sum())) if len(others) else 0.0
    absolute[place] = np.nan
    total[absent], total[:, absent], total[place], total[:, place] = np.nan, np.nan, np.nan, np.nan
    return absolute, total, amorphous, amorphous_unc


def rescaled(w: Array, covariance: Array, factor: Array) -> tuple[Array, Array]:
    """Fractions w f / sum(w f) and their covariance; absent members (w = 0) keep NaN."""
    here = w > 0
    total = float(np.sum(w[here] * factor[here]))
    new = np.where(here, np.nan_to_num(w * factor), w) / total
    jacobian = (np.diag(factor) - np.outer(new, factor)) / total
    jacobian = np.where(here[:, None] & here[None, :], jacobian, 0.0)
    result = jacobian @ np.where(here[:, None] & here[None, :], covariance, 0.0) @ jacobian.T
    return new, np.where(here[:, None] & here[None, :], result, np.nan)


def _table(
    found: xr.Dataset, dim: str, leading: tuple[str, ...], ids: tuple[str, ...], parts: list[Amounts], standard: bool
) -> xr.Dataset:
    shape = tuple(found.sizes[name] for name in leading)
    formulas = _formulas(found, ids)
    density = found["density"].values.reshape(-1, len(ids))
    mass = np.array([np.nan if not text else molar_mass(text) for text in formulas])
    volumes = [rescaled(one.fraction, one.covariance, 1.0 / rho) for one, rho in zip(parts, density, strict=True)]
    moles = [rescaled(one.fraction, one.covariance, 1.0 / mass) for one in parts]

    def stacked(values: list[Array]) -> Array:
        array = np.stack(values)
        return array.reshape((*shape, *array.shape[1:]))

    def spread(values: list[Array]) -> Array:
        return stacked([np.sqrt(np.diag(one)) for one in values])

    unit, row, square = {"units": "1"}, (*leading, "phase"), (*leading, "phase", "phase_b")
    data: dict[str, tuple[tuple[str, ...], Array, dict[str, str]]] = {}

    def put(name: str, label: str, values: list[Array], covariance: list[Array]) -> None:
        data[name] = (row, stacked(values), unit | {"long_name": label, "ancillary_variables": f"{name}_unc"})
        data[f"{name}_unc"] = (row, spread(covariance), unit | {"long_name": "Standard uncertainty"})

    put("weight_fraction", "Weight fraction of the crystalline phases",
        [one.fraction for one in parts], [one.covariance for one in parts])  # fmt: skip
    put("volume_fraction", "Volume fraction of the crystalline phases", *map(list, zip(*volumes, strict=True)))
    put("molar_fraction", "Fraction of formula units of the crystalline phases", *map(list, zip(*moles, strict=True)))
    data["weight_fraction_covariance"] = (
        square, stacked([one.covariance for one in parts]), unit | {"long_name": "Covariance of the weight fractions"}
    )  # fmt: skip
    if standard:
        put("absolute_fraction", "Weight fraction of the sample without the standard",
            [one.absolute for one in parts], [one.absolute_covariance for one in parts])  # fmt: skip
        data["absolute_fraction_covariance"] = (
            square, stacked([one.absolute_covariance for one in parts]), unit | {"long_name": "Covariance"}
        )  # fmt: skip
        data["amorphous"] = (
            leading, stacked([np.array(one.amorphous) for one in parts]),
            unit | {"long_name": "Amorphous weight fraction", "ancillary_variables": "amorphous_unc"},
        )  # fmt: skip
        data["amorphous_unc"] = (
            leading, stacked([np.array(one.amorphous_unc) for one in parts]),
            unit | {"long_name": "Standard uncertainty"},
        )  # fmt: skip
    data["absorption_factor"] = (
        row, stacked([one.factor for one in parts]), unit | {"long_name": "Brindley factor τ of microabsorption"}
    )  # fmt: skip
    data["contrast"] = (
        row, stacked([one.contrast for one in parts]), unit | {"long_name": "Brindley contrast |μ - mean μ| D"}
    )  # fmt: skip
    reasons = ["; ".join(one.reasons) for one in parts]
    variables: dict[str, object] = {**data, "reasons": (leading, np.array(reasons, dtype=np.str_).reshape(shape))}
    kept = {name: ("phase", found[name].values, found[name].attrs) for name in ("name", "space_group", "trust")
            if name in found.coords and found[name].dims == (dim,)}  # fmt: skip
    coords: dict[str, object] = {
        "phase": ("phase", np.array(ids, dtype=np.str_)), "phase_b": ("phase_b", np.array(ids, dtype=np.str_)),
        "formula": ("phase", np.array(formulas, dtype=np.str_)), **kept,
        **{str(name): value for name, value in found.coords.items() if set(value.dims) <= set(leading)},
    }  # fmt: skip
    own = {key: found.attrs[key] for key in ("sample", "source_file", "simulated", "wavelength") if key in found.attrs}
    attrs = {"kind": "table", "technique": "XRD", **own, "reasons": "; ".join(dict.fromkeys(filter(None, reasons))),
             "inputs": "scale, scale_covariance, density, absorption"}  # fmt: skip
    return xr.Dataset(variables, coords=coords, attrs=attrs)


def _formulas(found: xr.Dataset, ids: tuple[str, ...]) -> list[str]:
    """Return the formula of each phase: what the Dataset says, else the card of that id, else ''."""
    if "formula" in found.coords:
        return [str(text) for text in found["formula"].values]
    texts = []
    for name in ids:
        try:
            texts.append(load_phases([name])[0].formula)
        except InputError:
            texts.append("")
    return texts
