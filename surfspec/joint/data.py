"""What each technique says about a film, taken from its table and checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import schema
from surfspec.errors import InputError, NotDeterminedError
from surfspec.leis.film.dose import whitening
from surfspec.leis.film.dose_axis import check_unit, rising, rows_of

Array = NDArray[np.float64]

#: Share of the variance beyond the scatter of the spots that all doses have in common, where a table of coverages
#: carries no covariance: half of it (references), the other half anew at each dose (spectral model). A choice.
COMMON_SHARE: Final = 0.5
#: Relative uncertainty common to all thicknesses by the edge, where the table does not say: that of the stopping.
STOPPING: Final = 0.25
#: Thickness of a monolayer of Na3PO4 with 2.536 g/cm3, nm, where the table does not say.
MONOLAYER: Final = 0.238
#: Smallest uncertainties that are believed: of a coverage (1) and of a thickness by the edge (nm).
LEAST_COVERAGE, LEAST_THICKNESS = 1e-4, 1e-3


@dataclass(frozen=True)
class Doses:
    """Coverages against dose: ions/cm2 at both ends of each spectrum, values and covariance, nm of a monolayer."""

    start: Array
    end: Array
    value: Array
    covariance: Array
    monolayer: float

    @property
    def unc(self) -> Array:
        """Standard uncertainty of each coverage."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def whitening(self) -> Array:
        """Matrix that makes residuals independent and of unit variance."""
        return np.linalg.inv(np.linalg.cholesky(self.covariance))


@dataclass(frozen=True)
class Edges:
    """Thicknesses by the in-depth edge (nm): dose interval (NaN where unknown), own and common relative uncertainty."""

    start: Array
    end: Array
    value: Array
    own: Array
    common: float


@dataclass(frozen=True)
class Attenuation:
    r"""What XPS lines say: the product :math:`y = \theta(1 - e^{-t/L})` at each trial coverage, and how well.

    Attributes
    ----------
    length
        L, nm: median length in the film times the cosine of the emission angle.
    coverage, product, chi2
        The valley: trial coverages, rising, the product there, and the chi-square above its least.
    unc
        Standard uncertainty of the product.
    length_share
        Share of its variance that comes from the lengths in the film.
    thickness, thickness_unc
        Of a uniform film, nm.
    """

    length: float
    coverage: Array
    product: Array
    chi2: Array
    unc: float
    length_share: float
    thickness: float
    thickness_unc: float


def doses_of(table: xr.Dataset) -> Doses:
    """Return the coverages of a table of :func:`surfspec.leis.coverage`.

    Raises
    ------
    InputError, SchemaError
        For another table, a table of several samples, doses that do not rise.
    NotDeterminedError
        Where no coverage is a number.
    """
    _needs(table, "coverage", ("coverage", "coverage_unc"), "surfspec.leis.coverage")
    table = rising(table, "dose")
    value, dose = _along_dose(table, "coverage", "coverage")
    if "dose" in table.coords:
        check_unit(table, "dose", "coverage")
    unc = np.atleast_1d(table["coverage_unc"].values).astype(np.float64)
    start_dose = float(table.attrs.get("start_dose", 0.0))
    matched = "coverage_covariance" in table and table["coverage"].dims == ("dose",) and "dose" in table.coords
    whole = dose
    covariance = _covariance(table, unc) if not matched else np.empty((0, 0))
    if matched:  # rows by their doses; those cut away still end intervals
        rows = rows_of(table, "dose", "the coverages")
        whole, value, covariance = rows.dose, rows.coverage, rows.covariance
        covariance = covariance + LEAST_COVERAGE**2 * np.eye(whole.size)
        unc = np.sqrt(np.clip(np.diag(covariance), 0.0, None))
    edges = np.concatenate([[start_dose], whole])
    if np.any(np.isnan(whole)):
        raise InputError(
            "the dose of the coverages is not known", where="coverage",
            remedy="Give the cumulated dose at the end of each spectrum as the coordinate 'dose', in ions/cm2",
        )  # fmt: skip
    if np.any(np.diff(edges) <= 0) or start_dose < 0:
        raise InputError(
            f"doses {', '.join(f'{d:g}' for d in edges)} do not rise",
            where="coverage",
            remedy="Give the cumulated dose at the end of each spectrum, in order",
        )
    good = np.isfinite(value) & np.isfinite(unc) & (unc > 0)
    if not np.any(good):
        raise NotDeterminedError("no coverage by LEIS is a number", where="coverage", remedy=_LOOK)
    covariance = covariance[np.ix_(good, good)]
    whitening(covariance)  # refuses one that is none
    return Doses(
        start=edges[:-1][good],
        end=edges[1:][good],
        value=value[good],
        covariance=covariance,
        monolayer=float(table.attrs.get("monolayer", MONOLAYER)),
    )


def _covariance(table: xr.Dataset, unc: Array) -> Array:
    least = LEAST_COVERAGE**2 * np.eye(unc.size)
    if "coverage_covariance" in table:
        found = np.asarray(table["coverage_covariance"].values, dtype=np.float64)
        if found.size != unc.size**2:
            raise InputError(
                f"the covariance has {found.size} entries for {unc.size} coverages",
                where="coverage",
                remedy="Give the table as surfspec.leis.coverage returned it",
            )
        return np.asarray(found.reshape(unc.size, unc.size) + least)
    own2 = unc**2
    if "spot_coverage_unc" in table and "spot" in table["spot_coverage_unc"].dims:
        each = table["spot_coverage_unc"].transpose("spot", ...).values.reshape(-1, unc.size)
        own2 = np.nanmean(each**2, axis=0) / len(each)
    common = np.sqrt(COMMON_SHARE * np.clip(unc**2 - own2, 0.0, None))
    return np.asarray(np.diag(unc**2 - common**2) + np.outer(common, common) + least)


def edges_of(table: xr.Dataset, stopping: float | None = None, spread: float = 0.0) -> Edges:
    """Return the thicknesses of a table of :func:`surfspec.leis.thickness`.

    Parameters
    ----------
    table
        With ``thickness``, ``thickness_unc`` and, where it tells them apart, ``thickness_stat_unc``.
    stopping
        Relative uncertainty common to all of them; by default what the table leaves beside the statistical part.
    spread
        Standard uncertainty of each by what the table does not know, nm.
    """
    _needs(table, "edge", ("thickness", "thickness_unc"), "surfspec.leis.thickness")
    if "coverage" in table:
        raise InputError(
            "it is a table of coverages", where="edge", remedy="Pass what surfspec.leis.thickness returned"
        )
    table = rising(table, "dose")
    value, dose = _along_dose(table, "thickness", "edge")
    whole = np.atleast_1d(table["thickness_unc"].values).astype(np.float64)
    own = np.atleast_1d(table["thickness_stat_unc" if "thickness_stat_unc" in table else "thickness_unc"].values)
    own = own.astype(np.float64)
    good = np.isfinite(value) & np.isfinite(whole) & np.isfinite(own) & (own > 0)
    if not np.any(good):
        raise NotDeterminedError("no thickness by the edge is a number", where="edge", remedy=_LOOK)
    start = np.concatenate([[float(table.attrs.get("start_dose", 0.0))], dose[:-1]])
    clear = good & (value > 3 * own)
    if stopping is None:
        common = np.sqrt(np.clip(whole**2 - own**2, 0.0, None))
        rest = common[clear] / value[clear]
        stopping = float(np.median(rest)) if rest.size and np.median(rest) > 0 else STOPPING
    return Edges(
        start[good], dose[good], value[good], np.hypot(np.maximum(own[good], LEAST_THICKNESS), spread), stopping
    )


def attenuation_of(table: xr.Dataset) -> Attenuation:
    """Return what a table of :func:`surfspec.xps.thickness` says.

    Raises
    ------
    InputError, SchemaError
        For another table.
    NotDeterminedError
        Where the lines see no end of the film.
    """
    needed = ("equivalent_thickness", "equivalent_thickness_unc", "trial_chi2", "trial_thickness", "film_length")
    _needs(table, "xps", needed, "surfspec.xps.thickness")
    if table["equivalent_thickness"].ndim:
        raise InputError("it is a table of several samples", where="xps", remedy="Select one: table.isel(sample=0)")
    value, unc = float(table["equivalent_thickness"]), float(table["equivalent_thickness_unc"])
    if not (np.isfinite(value) and np.isfinite(unc) and unc > 0):
        raise NotDeterminedError("XPS gives no thickness with an uncertainty", where="xps", remedy=_LOOK)
    length = float(np.median(table["film_length"].values))
    trial = table["trial_coverage"].values.astype(np.float64)
    found, chi2 = table["trial_thickness"].values, table["trial_chi2"].values
    # a thickness that runs away is one that lets nothing through
    product = trial * np.where(np.isfinite(found), 1 - np.exp(-np.nan_to_num(found) / length), 1.0)
    share = 0.0
    if "budget" in table:
        parts = {str(s): float(v) for s, v in zip(table["source"].values, table["budget"].values, strict=True)}
        whole = sum(v**2 for v in parts.values() if np.isfinite(v))
        share = parts.get("film_length", 0.0) ** 2 / whole if whole > 0 else 0.0
    return Attenuation(
        length=length,
        coverage=np.concatenate([[0.0], trial]),
        product=np.concatenate([[0.0], product]),
        chi2=np.concatenate([[_at_nothing(trial, chi2)], chi2]) - np.min(chi2),
        unc=float(np.exp(-value / length) / length * unc),
        length_share=share,
        thickness=value,
        thickness_unc=unc,
    )


def _at_nothing(trial: Array, chi2: Array) -> float:
    """Return the chi-square at no coverage, on the line through the first two trials: it rises steeply there."""
    slope = (chi2[1] - chi2[0]) / (trial[1] - trial[0])
    return float(chi2[0] - min(slope, 0.0) * trial[0])


_LOOK: Final = "See the reasons of that table, and leave it out of the joint estimate"


def _needs(table: xr.Dataset, where: str, names: tuple[str, ...], maker: str) -> None:
    schema.check(table, "table")
    missing = [name for name in names if name not in table]
    if missing:
        raise InputError(f"the table has no '{missing[0]}'", where=where, remedy=f"Pass what {maker} returned")


def _along_dose(table: xr.Dataset, name: str, where: str) -> tuple[Array, Array]:
    """Return a quantity and its doses (NaN where unknown), both of one dimension."""
    extra = [str(dim) for dim in table[name].dims if dim != "dose"]
    if extra:
        raise InputError(
            f"'{name}' is over {', '.join(extra)}", where=where, remedy=f"Select one sample: table.isel({extra[0]}=0)"
        )
    value = np.atleast_1d(table[name].values).astype(np.float64)
    dose = table["dose"].values if "dose" in table.coords else np.full(value.shape, np.nan)
    doses = np.atleast_1d(dose).astype(np.float64)
    if doses.shape != value.shape:
        raise InputError(
            f"'{name}' has {value.size} values for {doses.size} doses", where=where, remedy="Give one at each dose"
        )
    return value, doses
