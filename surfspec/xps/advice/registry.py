"""Warnings that an experienced analyst would give on fits of core levels: one registry of rules, with reasons."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import xarray as xr

from surfspec import reference, schema, spectra
from surfspec._version import __version__
from surfspec.errors import InputError
from surfspec.xps.advice import data as advice_data
from surfspec.xps.advice import lines as advice_lines
from surfspec.xps.advice import peaks as advice_peaks
from surfspec.xps.advice.rule import LEVELS, Finding, Rule
from surfspec.xps.advice.view import Around, amounts, views

#: Every rule, by its code. What is not here is not looked for.
RULES: Final[Mapping[str, Rule]] = {
    rule.code: rule for rule in (*advice_lines.RULES, *advice_peaks.RULES, *advice_data.RULES)
}


@dataclass(frozen=True)
class Advice:
    """One warning.

    Attributes
    ----------
    code
        The rule that gave it, a key of ``RULES``.
    level
        ``"note"``: to keep in mind; ``"check"``: a number is in doubt; ``"fault"``: the fit says what cannot be.
    region
        The fit that it is about.
    about
        Component, parameter or line; empty for the whole fit.
    reason
        What was seen, with its numbers.
    reference
        Standard or literature of the rule.
    remedy
        What to do.
    members, of
        Members of a series for which it holds, and how many there are; 1 of 1 for a single spectrum.
    """

    code: str
    level: str
    region: str
    about: str
    reason: str
    reference: str
    remedy: str
    members: int = 1
    of: int = 1

    def __str__(self) -> str:
        head = f"{self.region}: {self.code}" + (f" ({self.about})" if self.about else "")
        often = f" [{self.members} of {self.of} members]" if self.of > 1 else ""
        return f"{self.level}: {head}: {self.reason}{often}. {self.remedy}."


def advise(
    fits: xr.Dataset | Mapping[str, xr.Dataset],
    *,
    elements: Collection[str] | None = None,
    photon_energy: float | None = None,
    codes: Collection[str] | None = None,
) -> tuple[Advice, ...]:
    """Return the warnings that an experienced analyst would give on fits of core levels.

    Rules look at the fit, its data and its attributes only; they change nothing and no verdict. Which elements are
    there is known from the detected core levels of all fits given, so pass all regions of a sample together.

    Parameters
    ----------
    fits
        One fit, or a mapping of regions of one sample to fits; series count member by member.
    elements
        All elements of the sample besides those that the fits show. With it the list is taken to be complete, and
        lines of other elements are not warned of; an empty list says that there are no others.
    photon_energy
        In eV, where the fits do not say it. Auger groups lie at a fixed kinetic energy, and without the photon energy
        they are not looked for.
    codes
        Rules to apply; all by default.

    Returns
    -------
    tuple of Advice
        The gravest first; empty where there is nothing to say.

    Raises
    ------
    InputError
        For what is no XPS fit, an unknown element or rule.

    References
    ----------
    ISO 19830 (peak fitting), ISO 19318 (charge correction), ISO 20903 (peak intensities); each rule names its own.

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> e = np.arange(176.0, 192.0, 0.1)
    >>> y = 500 + 900 * np.exp(-((e - 182.4) / 0.8) ** 2) + 600 * np.exp(-((e - 184.81) / 0.8) ** 2)
    >>> zr = ss.xps.fit(ss.spectrum(e, np.round(y), technique="XPS", region="Zr 3d"), "Zr 3d")
    >>> [one.about for one in ss.xps.advise(zr, elements=["B"], codes=["overlap"])]
    ['B 1s']
    """
    chosen = _rules(codes)
    known = _checked(fits)
    around = Around(
        amounts=amounts(known),
        named=frozenset(reference.element_symbol(one) for one in _names(elements)),
        complete=elements is not None,
        photon_energy=_photon_energy(photon_energy),
    )
    found: dict[tuple[str, str, str, str], Advice] = {}
    for name, fit in known.items():
        count = int(np.prod([fit.sizes[dim] for dim in schema.series_dims(fit)], dtype=np.int64))
        for view in views(fit, around, name):
            if not np.all(np.isfinite(view.model)):
                continue  # the verdict says that there is no fit
            for rule in chosen:
                for one in rule.look(view):
                    _add(found, _advice(rule, one, view.region, count))
    order = {level: -index for index, level in enumerate(LEVELS)}
    return tuple(sorted(found.values(), key=lambda one: order[one.level]))


def advice_table(advice: Iterable[Advice], *fits: xr.Dataset) -> xr.Dataset:
    """Return warnings as a table, to be saved with results.

    Parameters
    ----------
    advice
        As :func:`advise` returned it.
    *fits
        The fits, whose sample and origin the table takes over.

    Returns
    -------
    xarray.Dataset
        Kind ``table`` over ``advice``: ``code``, ``level``, ``region``, ``about``, ``reason``, ``reference``,
        ``remedy``, and the numbers ``members`` and ``of``.

    Raises
    ------
    InputError
        For what is no advice.

    Examples
    --------
    >>> advice_table([]).sizes["advice"]
    0
    """
    rows = _rows(advice)
    if not all(isinstance(fit, xr.Dataset) for fit in fits):
        raise InputError("what follows the advice is no fit", where="advice_table", remedy="Pass the fits one by one")
    texts = ("code", "level", "region", "about", "reason", "reference", "remedy")
    out = xr.Dataset(
        {name: ("advice", np.array([getattr(one, name) for one in rows], dtype=np.str_)) for name in texts}
    )
    for name, long_name in (("members", "Members of the series for which it holds"), ("of", "Members of the series")):
        column = np.array([getattr(one, name) for one in rows], dtype=np.int64)
        out[name] = ("advice", column, {"units": "1", "long_name": long_name})
    out.attrs = {"kind": "table", "technique": "XPS", "surfspec_version": __version__, **spectra.origin(*fits)}
    return schema.check(out, "table")


def _rows(advice: object) -> list[Advice]:
    rows = list(advice) if isinstance(advice, Iterable) else [advice]
    wrong = [one for one in rows if not isinstance(one, Advice)]
    if wrong or isinstance(advice, Mapping | str):
        raise InputError(
            f"a {type(wrong[0] if wrong else advice).__name__} is no advice",
            where="advice_table",
            remedy="Pass what surfspec.xps.advise returned: advice_table(advise(fits), *fits.values())",
        )
    return [one for one in rows if isinstance(one, Advice)]


def _rules(codes: Collection[str] | None) -> tuple[Rule, ...]:
    if codes is None:
        return tuple(RULES.values())
    unknown = [one for one in _names(codes) if one not in RULES]
    if unknown:
        raise InputError(f"there is no rule {unknown[0]!r}", where="codes", remedy=f"Rules are {', '.join(RULES)}")
    return tuple(RULES[one] for one in codes)


def _names(words: Collection[str] | None) -> tuple[str, ...]:
    if isinstance(words, str) or not all(isinstance(one, str) for one in words or ()):
        raise InputError(f"{words!r} is no list of names", where="advise", remedy="Give a list: ['Na', 'B']")
    return tuple(words or ())


def _checked(fits: object) -> dict[str, xr.Dataset]:
    """Return the fits by region; two of one region would be told apart by their keys only."""
    if isinstance(fits, xr.Dataset):
        fits = {"": fits}
    if not isinstance(fits, Mapping) or not fits:
        raise InputError(
            f"fits is {'empty' if isinstance(fits, Mapping) else 'a ' + type(fits).__name__}",
            where="advise",
            remedy="Pass a fit, or a mapping of regions to fits: {'Zr 3d': fit, 'Na 1s': fit}",
        )
    for fit in fits.values():
        schema.check(fit, "fit")
        if fit.attrs["technique"] != "XPS" or schema.axis_of(fit) != "binding_energy":
            raise InputError(
                f"this is a fit of {fit.attrs['technique']} over {schema.axis_of(fit)}",
                where="advise",
                remedy="Pass fits of core levels, from surfspec.xps.fit",
            )
    return {str(name): fit for name, fit in fits.items()}


def _photon_energy(value: float | None) -> float:
    if value is None:
        return float("nan")
    schema.check_metadata({"photon_energy": value})
    return float(value)


def _advice(rule: Rule, one: Finding, region: str, count: int) -> Advice:
    return Advice(
        code=rule.code, level=one.level or rule.level, region=region, about=one.about, reason=one.reason,
        reference=rule.reference, remedy=rule.remedy, of=count,
    )  # fmt: skip


def _add(found: dict[tuple[str, str, str, str], Advice], one: Advice) -> None:
    """Count a warning once for all members of a series; its numbers are those of the first."""
    key = (one.code, one.region, one.about, one.level)
    found[key] = replace(found[key], members=found[key].members + 1) if key in found else one
