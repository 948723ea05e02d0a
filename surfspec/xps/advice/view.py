"""What the rules of advice look at: one member of a fit as plain arrays, and what the other fits know of the sample."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import recipes, reference, schema
from surfspec.errors import SurfspecError
from surfspec.xps.recipe import Recipe

Array = NDArray[np.float64]

#: A core level, with or without j; satellites ("Zr 3d5/2 sat") and Auger groups are none.
_CORE = re.compile(r"[A-Z][a-z]? \d[spdf](\d/2)?")
#: Standard uncertainties of its area from which a component is there.
DETECTED = 3.0


@dataclass(frozen=True)
class Line:
    """One component of a fit.

    Attributes
    ----------
    name, line, element, species
        As labelled.
    center, center_unc, area, area_unc, fwhm, fwhm_unc, height
        Numbers of the fit, eV and units of the intensity; NaN where not determined.
    core, satellite
        Whether it is a core level; whether it is an X-ray satellite. An Auger group is neither.
    detected
        Whether its area lies three standard uncertainties above zero.
    """

    name: str
    line: str
    element: str
    species: str
    center: float
    center_unc: float
    area: float
    area_unc: float
    fwhm: float
    fwhm_unc: float
    height: float
    core: bool
    satellite: bool
    detected: bool


@dataclass(frozen=True)
class Number:
    """One parameter of a fit: value, standard uncertainty and limits."""

    name: str
    value: float
    unc: float
    low: float
    high: float


@dataclass(frozen=True)
class Around:
    """What is known of the sample beyond one fit.

    Attributes
    ----------
    amounts
        Element -> the largest area of a core level over its sensitivity factor, as a rate where times are known: a
        measure of how much of it is there.
    named
        Elements that the caller says are there.
    complete
        Whether those are all that there are.
    photon_energy
        As the caller says, eV; NaN otherwise.
    """

    amounts: Mapping[str, float]
    named: frozenset[str] = frozenset()
    complete: bool = False
    photon_energy: float = float("nan")

    def elements(self) -> frozenset[str]:
        """Return the elements that are there."""
        return self.named | frozenset(self.amounts)


@dataclass(frozen=True)
class View:
    """One member of a fit.

    Attributes
    ----------
    region
        Name of the fitted region.
    units
        Of the intensity, ``"counts"`` say.
    x, y, model, background, sigma
        Binding energy in eV, intensity, fitted curves and the expected standard deviation of the data, shape (n,).
    lines, numbers
        Components and parameters.
    area_covariance
        Of the components, in the order of `lines`, shape (k, k).
    attrs
        Attributes of the fit.
    recipe
        The recipe, where it can be read.
    reduced_chi2
        Deviance per degree of freedom; NaN where statistics are unknown.
    seconds
        Time each point was counted, s; NaN where not known.
    around
        What the other fits know.
    """

    region: str
    units: str
    x: Array
    y: Array
    model: Array
    background: Array
    sigma: Array
    lines: tuple[Line, ...]
    numbers: tuple[Number, ...]
    area_covariance: Array
    attrs: Mapping[str, object]
    recipe: Recipe | None
    reduced_chi2: float
    seconds: float
    around: Around

    @property
    def statistics(self) -> str:
        """How the scatter of the data is known."""
        return str(self.attrs.get("statistics", "unknown"))

    @property
    def photon_energy(self) -> float:
        """Photon energy in eV; NaN where neither the data nor the caller say it."""
        said = self.around.photon_energy
        return said if np.isfinite(said) else _number(self.attrs.get("photon_energy"))

    @property
    def corrected(self) -> bool:
        """Whether the energy scale was charge-corrected."""
        return "charge_shift" in self.attrs

    @property
    def shift(self) -> float:
        """Rigid shift in eV at which the recipe was found; 0 on a corrected scale."""
        found = _number(self.attrs.get("energy_shift"))
        return found if np.isfinite(found) else 0.0

    @property
    def step(self) -> float:
        """Median distance of the points, eV."""
        return float(np.median(np.diff(self.x))) if self.x.size > 1 else float("nan")

    def cores(self, *, detected: bool = True) -> tuple[Line, ...]:
        """Return the core levels, by default those that are there."""
        return tuple(one for one in self.lines if one.core and (one.detected or not detected))


def is_core(line: str) -> bool:
    """Tell whether a label names a core level.

    Examples
    --------
    >>> [is_core(word) for word in ("Zr 3d5/2", "C 1s", "Na KLL", "Zr 3d5/2 sat")]
    [True, True, False, False]
    """
    return _CORE.fullmatch(line) is not None


def views(fit: xr.Dataset, around: Around, region: str = "") -> Iterator[View]:
    """Go through the members of a fit, in C order of its series dimensions.

    Parameters
    ----------
    fit
        Kind ``fit``, technique XPS.
    around
        What the other fits know.
    region
        Name to tell it by; by default the region of the fit.
    """
    series = schema.series_dims(fit)
    shape = tuple(fit.sizes[dim] for dim in series)
    arrays = {str(name): _rows(fit[name], dict(zip(series, shape, strict=True))) for name in fit.data_vars}
    x = np.asarray(fit[schema.axis_of(fit)].values, dtype=np.float64)
    recipe = _recipe(str(fit.attrs.get("recipe", "")))
    times = {name: _column(fit, name, series, shape) for name in ("dwell_time", "scans")}
    labels = [[str(v) for v in fit[name].values] for name in ("component", "line", "element", "species")]
    parameters = [str(v) for v in fit["parameter"].values]
    own = _column(fit, "energy_shift", series, shape) if "energy_shift" in fit.coords else np.zeros(math.prod(shape))
    for index in range(int(np.prod(shape, dtype=np.int64))):
        row = {name: values[index] for name, values in arrays.items()}
        statistics = str(fit.attrs.get("statistics", "unknown"))
        dwell, scans = (float(column[index]) for column in times.values())
        yield View(
            region=region or str(fit.attrs.get("region", "")),
            units=str(fit["intensity"].attrs.get("units", "")),
            x=x - own[index],
            y=row["intensity"],
            model=row["model"],
            background=row["background"],
            sigma=_sigma(row, statistics),
            lines=_lines(labels, row),
            numbers=tuple(
                Number(name, *(float(row[key][i]) for key in ("value", "value_unc", "low", "high")))
                for i, name in enumerate(parameters)
            ),
            area_covariance=row["area_covariance"],
            attrs=fit.attrs,
            recipe=recipe,
            reduced_chi2=float(row["reduced_chi2"]) if statistics != "unknown" else float("nan"),
            seconds=dwell * (scans if np.isfinite(scans) else 1.0),
            around=around,
        )


def amounts(fits: Mapping[str, xr.Dataset]) -> dict[str, float]:
    """Return how much of each element the fits show: the largest area over sensitivity of its detected core levels.

    Parameters
    ----------
    fits
        Fits of the regions of one sample; of a series the largest member counts.
    """
    found: dict[str, float] = {}
    nobody = Around({})
    for name, fit in fits.items():
        for view in views(fit, nobody, name):
            for one in view.cores():
                factor = reference.sensitivities("scofield").get(one.line, float("nan"))
                amount = one.area / factor / (view.seconds if view.seconds > 0 else 1.0)
                if np.isfinite(amount):
                    found[one.element] = max(found.get(one.element, 0.0), amount)
                else:
                    found.setdefault(one.element, 0.0)
    return found


def _rows(variable: xr.DataArray, series: Mapping[str, int]) -> NDArray[np.generic]:
    """Return a variable with its series dimensions as one, first; what is the same for all members is repeated."""
    lacking = {dim: size for dim, size in series.items() if dim not in variable.dims}
    rest = [dim for dim in variable.dims if dim not in series]
    values = variable.drop_vars(variable.coords).expand_dims(lacking).transpose(*series, *rest).values
    return np.asarray(values.reshape((-1, *values.shape[len(series) :])))


def _column(fit: xr.Dataset, name: str, series: tuple[str, ...], shape: tuple[int, ...]) -> Array:
    """Return a number of every member: a series can carry it as a coordinate, else it is an attribute."""
    count = int(np.prod(shape, dtype=np.int64))
    if name in fit.coords and set(map(str, fit[name].dims)) <= set(series):
        column = fit[name].broadcast_like(fit["reduced_chi2"]).transpose(*series).values
        return np.asarray(column, dtype=np.float64).reshape(-1)
    return np.full(count, _number(fit.attrs.get(name)))


def _sigma(row: Mapping[str, NDArray[np.generic]], statistics: str) -> Array:
    model = np.asarray(row["model"], dtype=np.float64)
    if statistics == "given" and "intensity_unc" in row:
        return np.asarray(row["intensity_unc"], dtype=np.float64)
    if statistics == "poisson":
        return np.sqrt(np.maximum(model, 1.0))
    rest = np.asarray(row["intensity"], dtype=np.float64) - model
    return np.full(model.shape, float(np.std(rest)) if np.all(np.isfinite(rest)) else np.nan)


def _lines(labels: list[list[str]], row: Mapping[str, NDArray[np.generic]]) -> tuple[Line, ...]:
    out = []
    keys = ("center", "center_unc", "area", "area_unc", "fwhm", "fwhm_unc", "height")
    for i, (name, line, element, species) in enumerate(zip(*labels, strict=True)):
        numbers = {key: float(row[key][i]) for key in keys}
        area, unc = numbers["area"], numbers["area_unc"]
        there = bool(area > 0 and (not np.isfinite(unc) or area > DETECTED * unc))
        out.append(
            Line(
                name=name, line=line, element=element, species=species, **numbers,
                core=is_core(line), satellite=line.endswith(" sat"), detected=there,
            )
        )  # fmt: skip
    return tuple(out)


def _recipe(text: str) -> Recipe | None:
    try:
        found = recipes.load_yaml(text, Recipe)
    except SurfspecError:
        return None  # written by another version: the rules that need it are silent
    return found


def _number(value: object) -> float:
    good = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    return float(value) if good else float("nan")  # type: ignore[arg-type]
