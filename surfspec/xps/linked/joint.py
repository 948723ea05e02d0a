"""Fit several regions of several samples together, linked as a recipe says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import xarray as xr

from surfspec import recipes
from surfspec.errors import InputError
from surfspec.fitting.linked import SharedFit, fit_linked
from surfspec.fitting.linked_data import LinkedMember
from surfspec.fitting.model import Parameter
from surfspec.fitting.result import MemberFit, empty_member
from surfspec.fitting.series import check_progress, fit_members
from surfspec.xps.linked.checks import LinkTest, checked_links
from surfspec.xps.linked.data import Ready, Spectra, by_sample, ready
from surfspec.xps.linked.maps import Follows, check_shifts, graph_of, groups_of, maps_of, reduced
from surfspec.xps.linked.recipe import GlobalRecipe, load_global_recipe
from surfspec.xps.linked.table import Group, common_table
from surfspec.xps.region.linked_rows import Row, first_row, settled
from surfspec.xps.region.member_fit import fit_member, judged
from surfspec.xps.region.spectrum_fit import cut_member, result_of

Progress = Callable[[int, int], None]

#: Probability of a link from which it is named where the data speak against all links together.
DOUBTED = 0.01


@dataclass(frozen=True)
class GlobalFit:
    """What a global fit returns.

    Attributes
    ----------
    fits
        By sample and region a Dataset of kind ``fit``, as :func:`surfspec.xps.fit` returns it; its covariance is that
        of the joint fit.
    common
        Kind ``table``. Over ``common``: ``value`` of each common parameter with ``_unc`` and ``covariance``. Over
        ``linked``, "sample / region / parameter": ``linked_value`` with ``_unc`` and ``linked_covariance``, between
        spectra too. Over ``link``: ``chi_square`` of each link against the spectra's own fits, ``constraints``,
        ``probability``, ``worst`` spectrum. Over ``spectrum``: ``deviance`` and ``deviance_alone``.
    """

    fits: dict[str, dict[str, xr.Dataset]]
    common: xr.Dataset


def fit_global(
    spectra: Spectra | Mapping[str, xr.Dataset],
    recipe: GlobalRecipe | str | Path,
    *,
    shift_search: float | None = None,
    energy_shift: Mapping[str, float] | float | None = None,
    progress: Progress | None = None,
) -> GlobalFit:
    r"""Fit several regions of several samples together, linked as a recipe says.

    .. math:: D = \sum_i D_i(\theta_i) \to \min, \qquad
              \theta_i = E_i t_i + b_i + A_i s + \sum_k c_k\,s_{i_k} s_{j_k}

    over the own parameters t of each spectrum and the common ones s of all: see
    :func:`surfspec.fitting.linked.fit_linked`. Backgrounds go below the tails, and the noise of their ends enters the
    covariance, as in :func:`surfspec.xps.fit`. Spectra that nothing links are fitted apart.

    Parameters
    ----------
    spectra
        ``{sample: {region: spectrum}}``, XPS on a ``binding_energy`` axis; a sample may lack regions. Or ``{region:
        spectrum}`` of one sample, or ``{region: series}`` over one dimension, whose members are the samples. What they
        count in (Poisson, given uncertainties, rates) may differ.
    recipe
        A :class:`GlobalRecipe`, or its file.
    shift_search
        Rigid shift in eV to search for first: for each spectrum, or for each sample where the recipe has a charge
        reference. By default the recipe's.
    energy_shift
        Rigid shift of each sample in eV that is known already, or one for all; with a charge reference, where the
        shift begins.
    progress
        Called with (spectra done, spectra in all).

    Returns
    -------
    GlobalFit
        The fits, and a table of the common parameters and of the links. Never raises for a bad fit. Where the data
        speak against the links (likelihood ratio against the spectra's own fits), all spectra that are linked with each
        other have the reason ``sharing improbable``, with the link and the spectrum that fit worst.

    Raises
    ------
    InputError
        For spectra that do not belong to the recipe, links that cannot be kept by these samples, areas that cannot be
        compared.

    References
    ----------
    Wilks, Ann. Math. Stat. 9 (1938) 60; Bates and Watts, Nonlinear Regression Analysis and Its Applications (1988).

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> e = np.arange(176.0, 192.0, 0.1)
    >>> def zr(area):  # simulated
    ...     lines = area * np.exp(-((e - 182.4) / 0.8) ** 2) + 0.67 * area * np.exp(-((e - 184.81) / 0.8) ** 2)
    ...     return ss.spectrum(e, np.round(500 + lines), technique="XPS", region="Zr 3d")
    >>> width = "Zr 3d / Zr4+ fwhm_gauss"
    >>> recipe = ss.xps.GlobalRecipe("one width", {"Zr 3d": "Zr 3d"}, (ss.xps.Link(width, over="samples"),))
    >>> found = ss.xps.fit_global({"one": {"Zr 3d": zr(900)}, "two": {"Zr 3d": zr(500)}}, recipe)
    >>> found.common.common.values.tolist(), bool(found.common.value_unc[0] < found.fits["two"]["Zr 3d"].value[2])
    (['Zr 3d / Zr4+ fwhm_gauss'], True)
    """
    chosen = _recipe(recipe)
    check_progress(progress)
    given = by_sample(spectra, chosen)
    _shifts(given, shift_search, energy_shift)
    every = ready(given, chosen, shift_search=shift_search, energy_shift=energy_shift)
    common, maps = maps_of(chosen, every, graph_of(chosen, every, list(enumerate(chosen.links))))
    check_shifts(every, maps, common)
    tied = [number for number, one in enumerate(maps) if one.links.touched().any()]
    rows = {number: first_row(every[number].prepared, *every[number].arrays()) for number in tied}
    found = {number: _apart(one, rows.get(number)) for number, one in enumerate(every)}
    usable = {number: row for number, row in rows.items() if isinstance(row, Row)}
    groups, done, order = [], len(every) - len(usable), list(usable)
    for places in groups_of([maps[number] for number in order]):
        members = [order[i] for i in places]
        groups.append(_fit_group([every[i] for i in members], [usable[i] for i in members], members, maps, common))
        done += len(members)
        if progress is not None:
            progress(done, len(every))
    alone = {number: fit for group in groups for number, fit in zip(group.members, group.joint.alone, strict=True)}
    values = {n: float(v) for group in groups for n, v in zip(group.joint.names, group.joint.values, strict=True)}
    tests = checked_links(chosen, every, alone, values)
    for group in groups:
        found |= _judged(group, every, _against(group, every, tests))
    fits = _results(chosen, every, found, maps)
    return GlobalFit(fits, common_table(chosen, every, groups, maps, tests))


def _recipe(recipe: GlobalRecipe | str | Path) -> GlobalRecipe:
    if isinstance(recipe, str | Path):
        return load_global_recipe(recipe)
    if not isinstance(recipe, GlobalRecipe):
        raise InputError(
            f"a {type(recipe).__name__} is no global recipe",
            where="recipe",
            remedy="Pass xps.GlobalRecipe(...) or the path of its YAML file",
        )
    return recipes.from_mapping(recipes.to_mapping(recipe), GlobalRecipe, source="recipe")


def _shifts(spectra: Spectra, shift_search: float | None, energy_shift: Mapping[str, float] | float | None) -> None:
    """Refuse shifts of samples that are not there, and a search for what is known."""
    if shift_search and energy_shift is not None and not isinstance(energy_shift, Mapping):
        raise InputError(
            "a shift cannot be given and searched at once", where="energy_shift", remedy="Leave out one of the two"
        )
    if isinstance(energy_shift, Mapping):
        unknown = [name for name in energy_shift if name not in spectra]
        if unknown:
            raise InputError(
                f"there is no sample {unknown[0]!r}", where="energy_shift", remedy=f"Samples are {', '.join(spectra)}"
            )


def _fit_group(
    every: Sequence[Ready],
    rows: Sequence[Row],
    members: Sequence[int],
    maps: Sequence[Follows],
    common: Sequence[Parameter],
) -> Group:
    """Fit the spectra that have parameters in common."""
    touched = np.any([maps[i].links.touched() for i in members], axis=0)
    columns = np.flatnonzero(touched).tolist()
    follows = [reduced(maps[i], columns) for i in members]
    parameters = [common[i] for i in columns]

    def joint(now: Sequence[Row], before: SharedFit | None) -> SharedFit:
        starts = [row.values for row in now] if before is None else [fit.values for fit in before.alone]
        linked = [
            LinkedMember(
                bound=row.bound,
                y=row.data(),
                links=one.links,
                statistics=ready.prepared.task.statistics,
                sigma=row.given(),
                own=one.own,
                nuisance=row.nuisance(),
                start=start,
            )
            for ready, row, one, start in zip(every, now, follows, starts, strict=True)
        ]
        return fit_linked(linked, parameters, begin=before)

    last, fit = settled(rows, joint)
    return Group(tuple(members), tuple(last), fit, tuple(columns))


def _apart(one: Ready, row: Row | str | None) -> MemberFit | None:
    """Return the fit of a spectrum that nothing links, or of one that was refused; None for all others."""
    task, inside = one.prepared.task, one.prepared.inside
    if isinstance(row, str):
        model = task.table.model
        return empty_member(int(np.count_nonzero(inside)), len(model.components), model.parameters, (row,))
    if row is None:
        fitted = fit_members(
            one.spectrum,
            lambda x, y, sigma, index: fit_member(task, x, y, sigma, inside),
            components=len(task.table.model.components),
            parameters=task.table.model.parameters,
        )
        return cut_member(fitted[0], inside)
    return None


def _judged(group: Group, every: Sequence[Ready], against: tuple[str, ...]) -> dict[int, MemberFit]:
    """Judge the spectra of a group."""
    out = {}
    for place, number in enumerate(group.members):
        row, task = group.rows[place], every[number].prepared.task
        member = replace(group.joint.members[place], start=row.start)
        out[number] = judged(task, row.anchored(), row.bound, member, group.joint.solutions[place], against)
    return out


def _results(
    recipe: GlobalRecipe, every: Sequence[Ready], found: Mapping[int, MemberFit | None], maps: Sequence[Follows]
) -> dict[str, dict[str, xr.Dataset]]:
    """Make the Dataset of every spectrum."""
    text = recipes.to_yaml(recipe)
    out: dict[str, dict[str, xr.Dataset]] = {}
    for number, one in enumerate(every):
        member = found[number]
        attrs = {"shared": ", ".join(maps[number].tied), "shared_over": recipe.recipe, "global_recipe": text}
        linked = attrs if maps[number].links.touched().any() else {}
        if member is not None:
            out.setdefault(one.sample, {})[one.region] = result_of(one.prepared, [member], **linked)
    return out


def _against(group: Group, every: Sequence[Ready], tests: Sequence[LinkTest]) -> tuple[str, ...]:
    """Return the reason against the links of a group, with the link and the spectrum that fit worst."""
    joint = group.joint
    if not joint.reasons:
        return ()
    rises = [a.deviance - b.deviance for a, b in zip(joint.solutions, joint.alone, strict=True)]
    worst = every[group.members[int(np.argmax(rises))]]
    text = f"{joint.reasons[0]}, most in {worst.sample} / {worst.region} (+{max(rises):.3g})"
    doubted = [one for one in tests if one.probability < DOUBTED]
    if doubted:
        shares = [sum(one.shares.get(i, 0.0) for i in group.members) for one in doubted]
        link = doubted[int(np.argmax(shares))]
        text += f", worst link: {link.text} (chi-square {max(shares):.3g} of {link.chi_square:.3g} here)"
    return (text,)
