"""Fit LEIS spectra: start by variable projection, end at the maximum of the likelihood, judged and assembled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import schema, spectra
from surfspec.errors import InputError
from surfspec.fitting.result import MemberFit, Members, assemble
from surfspec.fitting.series import check_progress, fit_members
from surfspec.fitting.verdict import verdict_of, worst
from surfspec.given import number
from surfspec.leis.collisions.cross_sections import DOMAIN_ENERGY
from surfspec.leis.model import SpectrumModel
from surfspec.leis.recipe import Recipe
from surfspec.leis.spectrum.above_window import points_above, unexplained_above
from surfspec.leis.spectrum.fixed_shapes import all_fixed, fit_fixed
from surfspec.leis.spectrum.member_fit import fit_member
from surfspec.leis.spectrum.shared_fit import fit_jointly
from surfspec.leis.spectrum.shared_table import with_shared
from surfspec.leis.spectrum.sharing import Shared, commons_of, described
from surfspec.recipes import to_yaml

Array = NDArray[np.float64]


def fit(
    spectrum: xr.Dataset,
    recipe: Recipe,
    *,
    start: str | Mapping[str, float] | None = None,
    along: str | None = None,
    shared: Shared = (),
    over: str | Sequence[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    r"""Fit a LEIS spectrum, or every spectrum of a series, with peaks tied through the kinematics.

    The model is that of :mod:`surfspec.leis.model`; counts are fitted by the Poisson likelihood.

    Parameters
    ----------
    spectrum
        Dataset of kind ``spectrum``: ``intensity`` (..., kinetic_energy).
    recipe
        Projectile, geometry, elements and what is free.
    start
        Where the start values come from. By default each spectrum begins at those of the recipe (``"fresh"``), so that
        the order of a series never changes an answer. A mapping gives some of them by name instead: ``offset`` (eV),
        ``resolution`` (1), ``survival`` (eV^1/2), ``tail`` (eV) or ``"Zr lag"`` (eV). ``"global"`` begins each spectrum
        of a series at the fit of the mean spectrum, ``"neighbour"`` at that of the one before it. Areas and heights are
        found by linear least squares and need none.
    along
        For ``"neighbour"``: the series dimension, or a coordinate over it, whose values give the order; by default the
        only series dimension.
    shared
        Parameters of the instrument that have one value for many spectra, all fitted together: ``("resolution",
        "tail")``, or for each the dimensions along which it is the same, ``{"offset": "dose", "tail": ("spot",
        "dose")}`` - one offset for the doses of a spot, one tail for all. Areas and heights are each spectrum's own.
    over
        The dimension or dimensions along which the names in `shared` are the same; by default all of them.
    progress
        Called with the number of spectra done and their total.

    Returns
    -------
    xarray.Dataset
        Of kind ``fit``. Components are the elements (coordinates ``component`` and ``element``): ``contribution`` is
        the surface peak, ``area`` its counts eV; in-depth shoulders, foot, sputter tail and constant make the
        ``background`` and have their heights among the parameters. ``center`` is the mean single-scattering energy plus
        the offset, ``fwhm`` and ``height`` are those of the whole peak, isotopes and tail included. With `shared` also
        ``shared_value`` with ``_unc`` and ``shared_covariance`` over ``shared``, ``area_by_shared``, by which the areas
        of members are correlated (:func:`surfspec.leis.area_covariance`), and the likelihood ratio against separate
        fits, ``sharing_rise``, ``sharing_constraints`` and ``sharing_probability``.

    Raises
    ------
    InputError, SchemaError
        For data that are no LEIS spectrum or do not cover the peaks, and for an unknown `start` or `along`.

    References
    ----------
    Nelson, J. Vac. Sci. Technol. A 4 (1986) 1567; Golub and Pereyra, Inverse Problems 19 (2003) R1.

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> recipe = ss.leis.Recipe(elements=("O", "Zr"))
    >>> energy = np.arange(900.0, 2850.0, 5.0)
    >>> model = SpectrumModel(recipe, energy)
    >>> truth = np.zeros(len(model.parameters))
    >>> truth[:4] = 4.0, 0.02, 100.0, 8.0
    >>> truth[[5, 9]] = 4e5, 9e5
    >>> truth[-1] = 3.0
    >>> counts = np.random.default_rng(1).poisson(model.evaluate(truth))
    >>> fit = ss.leis.fit(ss.spectrum(energy, counts, technique="LEIS"), recipe)
    >>> bool(abs(fit.area.sel(component="Zr") / 9e5 - 1) < 0.01)
    True
    """
    schema.check(spectrum, "spectrum")
    if spectrum.attrs["technique"] != "LEIS":
        raise InputError(
            f"this is a {spectrum.attrs['technique']} spectrum",
            where="spectrum",
            remedy=f"Fit it with surfspec.{str(spectrum.attrs['technique']).lower()}.fit",
        )
    if not isinstance(recipe, Recipe):
        raise InputError(
            f"a {type(recipe).__name__} is no LEIS recipe", where="recipe", remedy="Pass surfspec.leis.Recipe(...)"
        )
    cut = spectra.crop(spectrum, *recipe.limits())
    energy = np.array(cut["kinetic_energy"].values, dtype=np.float64)
    model = SpectrumModel(recipe, energy, units=str(cut["intensity"].attrs["units"]))
    way, fresh = _beginning(model, start)
    statistics = str(cut.attrs["statistics"])
    extra = _setting_reasons(cut, recipe)
    above = points_above(spectrum, recipe)

    def fit_one(
        x: Array, y: Array, sigma: Array | None, index: tuple[int, ...], *, warm: Array | None = None
    ) -> MemberFit:
        begin = fresh if warm is None else _warmed(model, warm, fresh)
        member = fit_member(model, y, statistics, sigma, start=begin, extra=extra)
        return _told_of_above(member, y, index, above, statistics)

    if not isinstance(shared, tuple | list | Mapping) or len(shared) or over is not None:
        if isinstance(start, str) and start != "fresh":
            raise InputError(
                "shared parameters begin where the members' own fits end", where="start", remedy="Leave out start"
            )
        check_progress(progress)
        commons = commons_of(model, cut, shared, over)
        if not commons:
            raise InputError("nothing is shared", where="shared", remedy="Name parameters, or leave out over")
        data = _data(cut)
        joint = fit_jointly(model, data, statistics, commons, start=fresh, extra=extra, progress=progress)
        told = [_told_of_above(m, y, i, above, statistics) for m, (i, y, _) in zip(joint.members, data, strict=True)]
        words = described(shared, over, schema.series_dims(cut))
        return with_shared(_assembled(told, cut, model), joint, words)
    members: Members | list[MemberFit]
    if all_fixed(model) and way in ("fresh", "global") and (along is None or isinstance(along, str)):
        check_progress(progress)
        members = _at_once(cut, model, extra, above, progress)
    else:
        members = fit_members(
            cut,
            fit_one,
            components=len(recipe.elements),
            parameters=model.parameters,
            progress=progress,
            start=way,
            along=along,
        )
    return _assembled(members, cut, model)


def _assembled(members: Members | list[MemberFit], cut: xr.Dataset, model: SpectrumModel) -> xr.Dataset:
    """Return the fit Dataset."""
    recipe = model.recipe
    return assemble(
        members,
        cut,
        components=recipe.elements,
        parameters=model.parameters,
        labels={"element": recipe.elements},
        recipe=to_yaml(recipe),
        attrs={"ion": recipe.ion, "ion_energy": recipe.energy, "scattering_angle": recipe.angle},
    )


def _at_once(
    cut: xr.Dataset,
    model: SpectrumModel,
    extra: tuple[str, ...],
    above: tuple[Array, Array] | None,
    progress: Callable[[int, int], None] | None,
) -> Members:
    """Fit all members of fixed shapes in one go."""
    series, statistics, data = schema.series_dims(cut), str(cut.attrs["statistics"]), _data(cut)
    y = np.stack([one for _, one, _ in data])
    given = [one for _, _, one in data if one is not None]
    sigma = np.stack(given) if given else None
    members = fit_fixed(model, y, statistics, sigma, extra=extra, progress=progress, single=not series)
    if above is None:
        return members
    told = [_told_of_above(one, data[i][1], data[i][0], above, statistics) for i, one in enumerate(members)]
    return members.judged([(one.verdict, one.reasons) for one in told])


def _data(cut: xr.Dataset) -> list[tuple[tuple[int, ...], Array, Array | None]]:
    """Return index, intensities and uncertainties of every member, in C order of the series."""
    axis, series = schema.axis_of(cut), schema.series_dims(cut)

    def rows(name: str) -> Array:
        ordered = cut[name].transpose(*series, axis)
        return np.array(ordered.values, dtype=np.float64).reshape(-1, cut.sizes[axis])

    intensity = rows("intensity")
    sigma = rows("intensity_unc") if "intensity_unc" in cut else None
    indices = np.ndindex(*(cut.sizes[dim] for dim in series))
    return [(index, intensity[i], None if sigma is None else sigma[i]) for i, index in enumerate(indices)]


def _told_of_above(
    member: MemberFit, y: Array, index: tuple[int, ...], above: tuple[Array, Array] | None, statistics: str
) -> MemberFit:
    """Return the member with what stands above the fitted window among its reasons."""
    seen = above[1][index] if above else np.empty(0)
    # the mean spectrum of a series has no index; it only lends its values
    if above is None or seen.ndim != 1 or not np.all(np.isfinite(member.model)):
        return member
    found = unexplained_above(above[0], seen, member, y, statistics)
    if not found:
        return member
    return replace(member, reasons=(*member.reasons, found), verdict=worst([member.verdict, verdict_of([found])]))


def _beginning(model: SpectrumModel, start: str | Mapping[str, float] | None) -> tuple[str, Array]:
    """Return the way in which the members begin, and the non-linear start values of a fresh one, (shape_count,)."""
    values = np.array([p.value for p in model.parameters[: model.shape_count]])
    if start is None or isinstance(start, str):
        return start or "fresh", values
    if not isinstance(start, Mapping):
        raise InputError(
            f"start is a {type(start).__name__}",
            where="start",
            remedy="Give 'fresh', 'neighbour' or 'global', or start values by name: {'offset': 3.0}",
        )
    for name, value in start.items():
        if name not in model.shape_names:
            raise InputError(
                f"no start value can be given for {name!r}",
                where="start",
                remedy=f"Give {', '.join(model.shape_names)}; areas and heights are found by linear least squares",
            )
        values[model.shape_names.index(name)] = number(value, "start")
    return "fresh", values


def _warmed(model: SpectrumModel, warm: Array, fresh: Array) -> Array:
    """Return the non-linear values of another fit; what lay on a limit there is no news and begins afresh."""
    shape, own = warm[: model.shape_count], model.parameters[: model.shape_count]
    inside = np.array([p.low < value < p.high for p, value in zip(own, shape, strict=True)])
    return np.where(inside, shape, fresh)


def _setting_reasons(spectrum: xr.Dataset, recipe: Recipe) -> tuple[str, ...]:
    """Return a reason for each setting that the file and the recipe state differently, and for a strange energy."""
    reasons = []
    for name, value in (("ion_energy", recipe.energy), ("scattering_angle", recipe.angle)):
        stated = spectrum.attrs.get(name)
        if isinstance(stated, int | float | np.number) and abs(float(stated) - value) > 1e-6 * abs(value):
            reasons.append(f"energy scale: {name} is {float(stated):g} in the file and {value:g} in the recipe")
    low, high = DOMAIN_ENERGY
    if not low <= recipe.energy <= high:
        reasons.append(
            f"model inadequate: ion energy {recipe.energy:g} eV lies outside {low:g} to {high:g} eV, for which the "
            "cross-sections of isotopes were made, and far from 3000 eV, at which foot and straggling were read off"
        )
    return tuple(reasons)
