"""What a global fit needs of its spectra before it begins: samples by regions, shifts, models, acquisition times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import xarray as xr

from surfspec import schema
from surfspec.errors import InputError, SurfspecError
from surfspec.fitting.model import Parameter
from surfspec.xps.linked.graph import is_center
from surfspec.xps.linked.links import ChargeReference, named
from surfspec.xps.linked.recipe import GlobalRecipe
from surfspec.xps.recipe import Range, Recipe
from surfspec.xps.region.prepare import Prepared, prepare

Spectra = Mapping[str, Mapping[str, xr.Dataset]]

#: Room in eV, up and down, that the shift of a sample has around the coarse one.
SHIFT_ROOM: Final = 2.0


@dataclass(frozen=True)
class Ready:
    """One spectrum of a global fit, ready to be fitted.

    Attributes
    ----------
    sample, region
        Where it belongs.
    spectrum
        As it was given.
    prepared
        Recipe, model and window; under a charge reference all its centres are free.
    recipe_centers
        Under a charge reference: the centres as the recipe has them, binding energies.
    time
        Acquisition time in s by which areas become rates; 1 where intensities are rates or nothing is known.
    """

    sample: str
    region: str
    spectrum: xr.Dataset
    prepared: Prepared
    recipe_centers: Mapping[str, Parameter]
    time: float

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters of the model."""
        return self.prepared.task.table.model.parameters

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Return axis, intensities and given uncertainties, shape (n,) each."""
        given = self.spectrum["intensity_unc"].values if "intensity_unc" in self.spectrum else None
        return (
            np.array(self.spectrum["binding_energy"].values),
            np.array(self.spectrum["intensity"].values, dtype=np.float64),
            None if given is None else np.array(given, dtype=np.float64),
        )


def by_sample(spectra: Spectra | Mapping[str, xr.Dataset], recipe: GlobalRecipe) -> dict[str, dict[str, xr.Dataset]]:
    """Return spectra by sample and region; members of series become samples.

    Parameters
    ----------
    spectra
        ``{sample: {region: spectrum}}``; or ``{region: spectrum}`` of one sample; or ``{region: series}``, each over
        one dimension with the same members, which then are the samples.
    recipe
        For the names of its regions.

    Raises
    ------
    InputError
        For anything else, and for regions that the recipe does not have.
    """
    if not isinstance(spectra, Mapping) or not spectra:
        raise InputError(
            f"spectra is a {type(spectra).__name__}" if not isinstance(spectra, Mapping) else "there are no spectra",
            where="spectra",
            remedy="Give {sample: {region: spectrum}}",
        )
    if all(isinstance(one, xr.Dataset) for one in spectra.values()):
        nested = _of_series({str(k): v for k, v in spectra.items() if isinstance(v, xr.Dataset)})
    else:
        nested = {}
        for name, inner in spectra.items():
            if not isinstance(inner, xr.Dataset) and _is_sample(inner):
                nested[str(name)] = dict(inner)
        if len(nested) != len(spectra):
            raise InputError(
                "samples and single spectra are mixed", where="spectra", remedy="Give {sample: {region: spectrum}}"
            )
    for sample, inner in nested.items():
        if "/" in sample or not inner:
            raise InputError(
                f"sample {sample!r} has no spectra" if not inner else f"a sample is called {sample!r}",
                where="spectra",
                remedy="Give its regions" if not inner else "Rename it without '/'",
            )
        for region, one in inner.items():
            _fits(sample, region, one, recipe)
    return nested


def _is_sample(given: object) -> bool:
    return isinstance(given, Mapping) and not isinstance(given, xr.Dataset)  # a Dataset is a mapping too


def _fits(sample: str, region: str, one: xr.Dataset, recipe: GlobalRecipe) -> None:
    if region not in recipe.regions:
        raise InputError(
            f"the recipe has no region {region!r}",
            where=f"{sample} / {region}",
            remedy=f"Its regions are {', '.join(recipe.regions)}",
        )
    schema.check(one, "spectrum")
    if schema.series_dims(one):
        raise InputError(
            f"the spectrum is a series over {', '.join(schema.series_dims(one))}",
            where=f"{sample} / {region}",
            remedy="Give single spectra, or {region: series} for a series of samples",
        )


def _of_series(regions: dict[str, xr.Dataset]) -> dict[str, dict[str, xr.Dataset]]:
    dims = {schema.series_dims(schema.check(one, "spectrum")) for one in regions.values()}
    if dims == {()}:
        name = next((str(one.attrs["sample"]) for one in regions.values() if one.attrs.get("sample")), "sample")
        return {name.replace("/", "-"): regions}
    first = next(iter(regions.values()))
    if len(dims) != 1 or len(next(iter(dims))) != 1:
        raise InputError(
            "the regions are series over different or several dimensions",
            where="spectra",
            remedy="Give {sample: {region: spectrum}}",
        )
    ((dim,),) = dims
    for region, one in regions.items():
        if not one[dim].equals(first[dim]):
            raise InputError(
                f"the members of {region!r} are not those of the other regions",
                where="spectra",
                remedy=f"Select the same members along {dim!r}, or give {{sample: {{region: spectrum}}}}",
            )
    labels = [str(label).replace("/", "-") for label in first[dim].values.tolist()]
    if len(set(labels)) != len(labels):
        raise InputError(f"members along {dim!r} have the same name", where="spectra", remedy="Name each differently")
    return {
        f"{dim} {label}": {region: one.isel({dim: i}) for region, one in regions.items()}
        for i, label in enumerate(labels)
    }


def ready(
    spectra: Spectra,
    recipe: GlobalRecipe,
    *,
    shift_search: float | None,
    energy_shift: Mapping[str, float] | float | None,
) -> list[Ready]:
    """Prepare every spectrum, samples and regions in a fixed order.

    Parameters
    ----------
    spectra
        By sample and region.
    recipe
        The global recipe.
    shift_search, energy_shift
        As for :func:`surfspec.xps.fit_global`.

    Raises
    ------
    InputError
        Naming sample and region. A prior of a centre is refused where the scale of its spectrum is searched for a
        shift, since what is known of a position is known on a scale that is known; with a charge reference the shift
        is a parameter of the fit, and the prior one of a binding energy.
    """
    out = []
    linked_areas = any(link.parameter.endswith(" area") for link in recipe.links)
    for sample in sorted(spectra):
        given = energy_shift.get(sample) if isinstance(energy_shift, Mapping) else energy_shift
        if recipe.charge is not None and given is None:
            given = _coarse(sample, spectra[sample], recipe, recipe.charge, shift_search)
        for region in (name for name in recipe.regions if name in spectra[sample]):
            search = None if given is not None else shift_search
            found = _prepared(sample, region, spectra[sample][region], recipe.region_recipes[region], search, given)
            centers = {p.name: p for p in recipe.tables[region].values() if is_center(p.name)} if recipe.charge else {}
            time = _time(spectra[sample][region]) if linked_areas else 1.0
            out.append(Ready(sample, region, spectra[sample][region], _freed(found, centers), centers, time))
    _comparable(out, linked_areas)
    return out


def _prepared(
    sample: str, region: str, one: xr.Dataset, recipe: Recipe, search: float | None, shift: float | None
) -> Prepared:
    try:
        return prepare(one, recipe, shift_search=search, energy_shift=shift)
    except SurfspecError as error:
        raise InputError(error.message, where=f"{sample} / {region}", remedy=error.remedy) from error


def _coarse(
    sample: str,
    regions: Mapping[str, xr.Dataset],
    recipe: GlobalRecipe,
    charge: ChargeReference,
    shift_search: float | None,
) -> float:
    """Return the coarse shift of a sample: that of the reference line, or the median of all regions.

    The fit begins there and finds the shift itself, so what is known of binding energies has no part in the search.
    """
    home, name = named(charge.reference, "reference")
    search = charge.search if shift_search is None else shift_search
    if home in regions:
        found = _prepared(sample, home, regions[home], _without_priors(recipe, home), search, None).shift
        return found + recipe.tables[home][name].value - charge.energy
    shifts = [
        _prepared(sample, region, one, _without_priors(recipe, region), search, None).shift
        for region, one in regions.items()
    ]
    return float(np.median(shifts))


def _without_priors(recipe: GlobalRecipe, region: str) -> Recipe:
    """Return the recipe of a region whose centres have their ranges only."""
    whole = recipe.region_recipes[region]
    return replace(
        whole,
        peaks=tuple(replace(one, center=_loose(one.center)) for one in whole.peaks),
        doublets=tuple(replace(one, center=_loose(one.center)) for one in whole.doublets),
        multiplets=tuple(replace(one, center=_loose(one.center)) for one in whole.multiplets),
    )


def _loose(center: Range | float) -> Range | float:
    return replace(center, prior=None) if isinstance(center, Range) else center


def _freed(found: Prepared, centers: Mapping[str, Parameter]) -> Prepared:
    """Return a spectrum whose fixed centres may move with the shift of the sample."""
    model = found.task.table.model
    parameters = tuple(_moving(p) if p.name in centers else p for p in model.parameters)
    table = replace(found.task.table, model=replace(model, parameters=parameters))
    return replace(found, task=replace(found.task, table=table))


def _moving(center: Parameter) -> Parameter:
    """Return a centre that moves with the shift of its sample; what is known of its energy goes with the energy."""
    if center.vary:
        return replace(center, prior=None)
    return replace(center, vary=True, low=center.value - SHIFT_ROOM, high=center.value + SHIFT_ROOM)


def _time(one: xr.Dataset) -> float:
    """Return the time by which counts become rates, NaN where it is not known."""
    if one["intensity"].attrs["units"] != "counts":
        return 1.0
    return float(one.attrs.get("dwell_time", np.nan)) * float(one.attrs.get("scans", 1))


def _comparable(every: list[Ready], linked_areas: bool) -> None:
    """Refuse areas that cannot be linked: of different units, or with dwell times known for some spectra only."""
    if not linked_areas:
        return
    units = {str(one.spectrum["intensity"].attrs["units"]) for one in every}
    if len(units) > 1:
        raise InputError(
            f"areas are linked, and intensities are in {' and in '.join(sorted(units))}",
            where="spectra",
            remedy="Read all spectra in one unit",
        )
    unknown = [f"{one.sample} / {one.region}" for one in every if np.isnan(one.time)]
    if unknown and len(unknown) < len(every):
        raise InputError(
            f"areas are linked, and the dwell time of {unknown[0]} is not known, that of other spectra is",
            where="spectra",
            remedy="Set attrs['dwell_time'] (s) and attrs['scans'] of every spectrum",
        )
    if unknown:
        every[:] = [replace(one, time=1.0) for one in every]
