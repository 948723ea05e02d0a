"""Phase identification: which phases of a list a pattern shows, how surely, and what stays unexplained."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import given, schema
from surfspec.errors import InputError
from surfspec.xrd.matching import joining, measured, model, result, search
from surfspec.xrd.matching.anode_hint import anode_hint, doublet_hint
from surfspec.xrd.matching.choice import chosen_phases, stated_ids
from surfspec.xrd.matching.dictionary import Dictionary, dictionary
from surfspec.xrd.matching.judgement import MOSTLY
from surfspec.xrd.matching.observed import agreement, background, unexplained
from surfspec.xrd.matching.outcome import Outcome
from surfspec.xrd.matching.priors import Prior, prior_of
from surfspec.xrd.matching.settle import settle
from surfspec.xrd.matching.shifted import shifted_hint
from surfspec.xrd.matching.textures import textured
from surfspec.xrd.patterns.wavelengths import Radiation, radiation
from surfspec.xrd.recipe import Recipe
from surfspec.xrd.structures.phase import Phase

Array = NDArray[np.float64]

#: Largest relative model error that is taken from the data instead of the assumed one.
LARGEST_MODEL_ERROR = 0.25
#: Relative difference up to which two wavelengths are the same radiation (Ka1, Ka2 and their mean differ by 0.25 %).
SAME_WAVELENGTH = 0.005


def match(
    spectrum: xr.Dataset,
    recipe: Recipe | None = None,
    *,
    phases: Iterable[str | Phase] | None = None,
    elements: Iterable[str] | None = None,
    wavelength: str | float | None = None,
) -> xr.Dataset:
    r"""Identify the phases of a powder pattern.

    Patterns of all candidates, each with a small strain of its own cell and a common line shift, are fitted to the data
    together with a smooth background by non-negative least squares. Sets of phases grow, shrink and exchange members as
    long as the evidence rises (:mod:`surfspec.xrd.matching.search`); each phase of the best set is then tested against
    leaving it out, against unknown lines and against its rivals (:mod:`surfspec.xrd.matching.evidence`). No phase at
    all is a possible answer.

    Parameters
    ----------
    spectrum
        Pattern over ``two_theta`` (deg), or a series of them.
    recipe
        Settings; the keywords below override it.
    phases
        Candidates: card ids, names, formulas or `Phase` objects; by default every card.
    elements
        Keep candidates of these elements only.
    wavelength
        As for :func:`surfspec.xrd.radiation`; by default what the file says. Never guessed. Where it contradicts the
        file by more than 0.5 % the verdict is ``check`` at least, and the reason names both.

    Returns
    -------
    xarray.Dataset
        Kind ``match``. Over ``phase`` (card ids, most intense first): ``probability`` and ``score`` (1),
        ``scale``, ``weight_fraction`` with ``_unc``, ``lines_confirmed``, ``lines_missing``, ``strain``. Over
        ``reflection``: what each line of a phase should be and is. Over ``peak``: lines of the pattern that no phase
        explains. Over ``candidate``: detection limits (weight fraction). Over ``two_theta`` (deg): ``intensity``,
        ``model``, ``background`` and ``contribution`` (phase, two_theta). ``verdict`` and ``reasons``.

    Raises
    ------
    InputError
        Without a wavelength or candidates, or for a pattern that is too short or constant.

    Notes
    -----
    Weight fractions hold for the crystalline phases that were named, without correction for microabsorption, texture
    and amorphous content. Where more than a fifth of the signal is unexplained they have no uncertainty (NaN), and
    where more than half is, probabilities are capped (:func:`surfspec.xrd.matching.judgement.cap`).

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> from surfspec import xrd
    >>> x = np.arange(20, 70, 0.02)
    >>> lead = xrd.pattern(xrd.phases(["Pb_fcc"])[0], wavelength="CuKa", two_theta=x)
    >>> counts = np.random.default_rng(1).poisson(100 + 10 * lead.intensity.values)
    >>> found = xrd.match(ss.spectrum(x, counts, technique="XRD"), elements=["Na", "Pb"], wavelength="CuKa")
    >>> found.phase.values.tolist()
    ['Pb_fcc']
    """
    settings = Recipe() if recipe is None else recipe
    if not isinstance(settings, Recipe):
        raise InputError(
            f"recipe is {given.shown(recipe)}", where="recipe", remedy="Give a surfspec.xrd.Recipe, or leave it out"
        )
    schema.check(spectrum, "spectrum")
    if schema.axis_of(spectrum) != "two_theta":
        raise InputError(
            "phases are identified in patterns over two_theta",
            where=str(spectrum.attrs.get("source_file", "")),
            remedy="Pass an XRD pattern",
        )
    light, open_question = _light(spectrum, settings, wavelength)
    candidates = chosen_phases(settings, phases, elements)
    members = joining.members_of(spectrum)
    notes = _contradiction(spectrum, light)
    found = [_match_one(one, settings, light, open_question, candidates, notes) for one in members]
    return joining.joined(spectrum, found)


def _light(spectrum: xr.Dataset, settings: Recipe, wavelength: str | float | None) -> tuple[Radiation, bool]:
    """Radiation, and whether the data must tell if Ka2 is in the beam (a file that names only the Ka1 wavelength)."""
    chosen = wavelength if wavelength is not None else settings.wavelength
    if chosen != "":
        return radiation(chosen, ka2_ratio=settings.ka2_ratio), False
    name = str(spectrum.attrs.get("wavelength_name", ""))
    if name:
        return radiation(name, ka2_ratio=settings.ka2_ratio), False
    light = radiation(spectrum.attrs.get("wavelength"), ka2_ratio=settings.ka2_ratio)
    return light, light.name.endswith("Ka1")


def _contradiction(spectrum: xr.Dataset, light: Radiation) -> tuple[str, ...]:
    """Return a reason where the file states another wavelength than the one used."""
    stated = spectrum.attrs.get("wavelength")
    if not isinstance(stated, int | float | np.number) or not (np.isfinite(stated) and stated > 0):
        return ()
    known = float(stated)
    used = float(light.wavelengths[0])
    if abs(known - used) <= SAME_WAVELENGTH * known:
        return ()
    return (f"ambiguous: the file says {known:.5g} angstrom, {used:.5g} was asked",)


def _match_one(
    spectrum: xr.Dataset,
    settings: Recipe,
    light: Radiation,
    open_question: bool,
    candidates: Sequence[Phase],
    notes: Sequence[str],
) -> xr.Dataset:
    x, y = spectrum["two_theta"].values, spectrum["intensity"].values.astype(np.float64)
    given = spectrum["intensity_unc"].values if "intensity_unc" in spectrum else None
    statistics = str(spectrum.attrs["statistics"])
    if open_question:
        light = _with_or_without_ka2(x, y, statistics, given, light, settings, candidates)
    outcome = identify(x, y, statistics, given, light, settings, candidates)
    hint = doublet_hint(outcome.state, outcome.data, settings.limits)
    if not hint and len(outcome.data.peaks.two_theta) and agreement(outcome.state, outcome.data) > MOSTLY:
        hint = anode_hint(outcome.data, outcome.state.common, outcome.candidates, settings.limits)
    hint = hint or shifted_hint(outcome)
    notes = [*notes, hint] if hint else notes
    return result.assemble(spectrum, outcome, settings, notes)


def _with_or_without_ka2(
    x: Array, y: Array, statistics: str, given: Array | None, light: Radiation, settings: Recipe,
    candidates: Sequence[Phase],
) -> Radiation:  # fmt: skip
    """Let the first phases found decide whether the beam holds Ka2; the doublet where they cannot."""
    doublet = radiation(light.name.removesuffix("1"), ka2_ratio=settings.ka2_ratio)
    quick = replace(settings, max_phases=max(2, len(settings.must)))
    both = [grow(x, y, statistics, given, one, quick, candidates).states[0] for one in (doublet, light)]
    if not both[1].members or not both[0].members:
        return doublet
    return light if both[1].chi2 < both[0].chi2 - 10.0 else doublet


@dataclass(frozen=True)
class Grown:
    """Best sets of phases, the sets visited, the dictionary, the pattern and the prior."""

    states: list[model.State]
    visited: search.Visited
    book: Dictionary
    data: measured.Measured
    prior: Prior


def grow(
    x: Array, y: Array, statistics: str, given: Array | None, light: Radiation, settings: Recipe,
    candidates: Sequence[Phase],
) -> Grown:  # fmt: skip
    """Prepare a pattern and grow the best sets of phases."""
    data = measured.prepare(x, y, statistics, given, light, settings.two_theta)
    limits = settings.limits
    common = model.Common(light, monochromator=settings.monochromator)
    members = [model.member(phase, light, data, limits) for phase in candidates]
    usable = [one for one in members if np.any(model.column(one, common, data) > 0)]
    named = stated_ids(settings, candidates)
    prior = prior_of(candidates, named)
    stated = [one for one in usable if one.phase.id in named]
    book = dictionary(usable, common, data)
    if not usable or not len(data.peaks.two_theta):
        empty = model.solve(stated, common, data, limits)
        return Grown(
            [empty],
            search.Visited(frozenset(), {search.ids_of(empty): 0.0}, {search.ids_of(empty): empty}),
            book,
            data,
            prior,
        )
    states, visited = search.grow(book, data, limits, common, settings.max_phases, prior, stated)
    return Grown(states, visited, book, data, prior)


def identify(
    x: Array, y: Array, statistics: str, given: Array | None, light: Radiation, settings: Recipe,
    candidates: Sequence[Phase],
) -> Outcome:  # fmt: skip
    """Identify the phases of one pattern given as arrays.

    Parameters
    ----------
    x, y
        2 theta (deg) and intensity, shape (n,).
    statistics, given
        As for :func:`surfspec.xrd.lines.peak_search.counting_variance`.
    light, settings, candidates
        Radiation, recipe and phases.

    Returns
    -------
    Outcome
        State, assessments and what is left.
    """
    limits = settings.limits
    grown = grow(x, y, statistics, given, light, settings, candidates)
    states, data, book, prior, visited = grown.states, grown.data, grown.book, grown.prior, grown.visited
    error = _model_error(states[0], data)
    if error > 1.2 * data.model_error:
        data = data.with_model_error(error)
        again = [model.solve(one.members, one.common, data, limits, one.columns) for one in states]
        states = [search.prune(model.refine(one, data, limits, iterations=3), data, limits, prior) for one in again]
        visited = search.Visited(prior.stated)
    for one in states:
        visited.note(one, search.log_evidence(one, data, prior))
    states.sort(key=lambda one: -search.log_evidence(one, data, prior))
    state, assessments, rejected = settle(states[0], book, data, limits, prior, visited)
    turned = textured(state, data, limits)
    if turned is not state:
        visited = search.Visited(prior.stated)
        turned = model.refine(turned, data, limits, iterations=3)
        state, assessments, more = settle(turned, book, data, limits, prior, visited)
        rejected += more
    state = model.refine(state, data, limits, iterations=3) if state.members else state
    return Outcome(
        state, assessments, rejected, data, unexplained(state, data), tuple(one.phase for one in book.members), book,
        prior, limits, visited.sets,
    )  # fmt: skip


def _model_error(state: model.State, data: measured.Measured) -> float:
    """Relative model error seen in the data: robust scatter of the residual where the signal rules."""
    if not state.members:
        return data.model_error
    explained = state.columns @ state.scales
    rest = data.y - explained - background(state, data)
    ruled = (explained > 0.5 * data.signal) & (data.points * (data.model_error * data.signal) ** 2 > 4 * data.counting)
    if np.count_nonzero(ruled) < 20:
        return data.model_error
    relative = np.median(np.abs(rest[ruled]) / data.signal[ruled]) / 0.67448975
    return float(np.clip(relative / np.sqrt(data.points), data.model_error, LARGEST_MODEL_ERROR))
