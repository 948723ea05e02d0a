"""One coverage, thickness, number of monolayers and removal cross-section from all techniques."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import xarray as xr
from scipy.special import chdtrc

from surfspec import spectra
from surfspec.errors import InputError
from surfspec.fitting.verdict import verdict_of
from surfspec.given import number
from surfspec.joint.agreement import (
    CONTRADICTION,
    OPEN,
    Agreement,
    Estimate,
    agreement_of,
    determined_by,
    estimate_of,
    film_is_seen,
    shape_of,
)
from surfspec.joint.data import MONOLAYER, attenuation_of, doses_of, edges_of
from surfspec.joint.model import Evidence, rows
from surfspec.joint.posterior import Posterior, posterior
from surfspec.joint.table import table_of_film

#: Relative standard uncertainty common to all doses: beam current, time and raster area.
DOSE_SCALE: Final = 0.15
#: Relative standard uncertainty of the thickness of a monolayer.
MONOLAYER_UNC: Final = 0.05
#: Scatter of the edges over their uncertainties up to which they are believed.
TOLERATED_SCATTER: Final = 1.7
#: Probability of a number of monolayers from which it is not excluded.
NOT_EXCLUDED: Final = 0.03


def film(
    coverage: xr.Dataset | None = None,
    edge: xr.Dataset | None = None,
    *,
    xps: xr.Dataset | None = None,
    layers: int = 8,
    monolayer: float | None = None,
    monolayer_unc: float = MONOLAYER_UNC,
    stopping_unc: float | None = None,
    dose_scale_unc: float = DOSE_SCALE,
) -> xr.Dataset:
    r"""Coverage and thickness of a film from LEIS and XPS in one least-squares estimate, and whether they agree.

    .. math:: \theta_k = \theta_0\,\overline{Q(n, \sigma D)}_k, \qquad
              t_k = (1 + s z)\,(t/n)\,\overline{\ell(n, \sigma D)}_k, \qquad
              y = \theta_0\,(1 - e^{-t/L}), \qquad n\,m = t

    LEIS coverages against dose give :math:`\theta_0`, the removal cross-section :math:`\sigma` and the monolayers `n`;
    the in-depth edge gives the thickness `t` that is left on what is still covered; XPS gives only the product `y`.
    A beam leaves layers of several numbers side by side; which of them an edge stands for is not known to half a
    monolayer more or less, :math:`m/\sqrt{12}`, anew at each dose. Edges that scatter more than that about every film
    weigh less by their own scatter (Birge's ratio, attribute ``edge_scatter``).
    Errors that several data share (references of the coverages, stopping, lengths of the electrons) are common in the
    fit and do not average out. Values are means over all that the data allow, numbers of monolayers and limits of the
    coverage included; pulls and chi-square are those of the least-squares answer.

    Parameters
    ----------
    coverage
        Table of :func:`surfspec.leis.coverage`, over ``dose`` or of one dose.
    edge
        Table of :func:`surfspec.leis.thickness`.
    xps
        Table of :func:`surfspec.xps.thickness`; its model (uniform or patchy) does not matter, its curve is used.
    layers
        Numbers of monolayers from 1 to this one, which stands for itself and all beyond.
    monolayer, monolayer_unc
        Thickness of a monolayer (nm; by default that of the coverages) and its relative standard uncertainty.
    stopping_unc
        Relative standard uncertainty common to all edges; by default what their table says.
    dose_scale_unc
        Relative standard uncertainty of all doses together; it goes on the cross-section alone.

    Returns
    -------
    xarray.Dataset
        Kind ``table``, technique ``joint``: ``coverage`` (before any dose), ``thickness`` (nm),
        ``removal_cross_section`` (cm2) with ``_unc``, NaN where not determined, and their ``covariance`` over
        (``quantity``, ``quantity_b``); ``monolayers`` (most likely, or -1) and ``not_excluded``; over ``layers``
        ``monolayers_probability``; over ``datum`` ``observed`` with ``_unc``, ``predicted``, ``pull``; over
        ``technique`` the estimates of each alone: ``technique_coverage``, ``technique_thickness`` and
        ``technique_equivalent_thickness`` (of a closed film that attenuates alike), each with ``_unc``; ``chi2``,
        ``dof``, ``p_value``; ``agreement`` (``agree``, ``disagree``, ``cannot tell``) with ``agreement_chi2``,
        ``agreement_dof``, ``agreement_p_value`` and the sentence ``statement``; ``film_shape`` (``closed``,
        ``patches``, ``cannot tell``) by ``log_bayes_closed``; ``verdict`` and ``reasons``.

    Raises
    ------
    InputError
        Without any table, for tables of another kind or of several samples, or impossible numbers.
    NotDeterminedError
        Where a table holds no number.

    References
    ----------
    Kass & Raftery, J. Am. Stat. Assoc. 90 (1995) 773 (evidence); Maltoni & Schwetz, Phys. Rev. D 68 (2003) 033020
    (agreement); Cumpson & Seah, Surf. Interface Anal. 25 (1997) 430 (attenuation).

    Examples
    --------
    >>> import numpy as np, xarray as xr, surfspec as ss
    >>> seen = xr.Dataset(
    ...     {"coverage": ("dose", [0.88, 0.79, 0.66, 0.53], {"units": "1"}),
    ...      "coverage_unc": ("dose", [0.01] * 4, {"units": "1"})},
    ...     coords={"dose": ("dose", [1.6e15, 3.2e15, 4.8e15, 6.4e15], {"units": "ions/cm2"})},
    ...     attrs={"kind": "table", "technique": "LEIS"},
    ... )
    >>> found = ss.joint.film(seen)
    >>> round(float(found.coverage), 1), int(found.monolayers)
    (0.9, 2)
    """
    evidence = _evidence(coverage, edge, xps, layers, monolayer, monolayer_unc, stopping_unc)
    number(dose_scale_unc, "dose_scale_unc", low=0.0, high=1.0)
    evidence, scatter = scattered(evidence)
    found = posterior(evidence)
    alone = {name: posterior(evidence.only(name)) for name in evidence.present}
    joint = estimate_of(evidence, found, dose_scale_unc)
    each = {name: estimate_of(evidence.only(name), one, dose_scale_unc) for name, one in alone.items()}
    agreement = agreement_of(evidence, found, alone, dose_scale_unc)
    data = rows(evidence, found.best_coverage, found.best_layers, found.best_values)
    seen = film_is_seen(evidence, found)
    dof = max(0, len(data) - sum(row.name in _OF_INPUTS for row in data) - determined_by(evidence, film=seen)["joint"])
    p_value = float(chdtrc(dof, found.chi2)) if dof else float("nan")
    reasons = _reasons(evidence, found, joint, agreement, p_value, dof, (coverage, edge, xps), scatter)
    shape = shape_of(found, film=seen and np.isfinite(joint.coverage[0]))
    out = table_of_film(found, joint, each, agreement, data, shape, (dof, p_value), not_excluded(evidence, found))
    out["verdict"] = ((), np.array(verdict_of(reasons)))
    out["reasons"] = ((), np.array("; ".join(reasons)))
    out.attrs |= {
        "monolayer": evidence.monolayer, "monolayer_unc": float(monolayer_unc),
        "dose_scale_unc": float(dose_scale_unc),
        "stopping_unc": evidence.edges.common if evidence.edges is not None else float("nan"),
        "edge_scatter": scatter,
        "length": evidence.attenuation.length if evidence.attenuation is not None else float("nan"),
        "inputs": ", ".join(n for n, one in (("coverage", coverage), ("edge", edge), ("xps", xps)) if one is not None),
        **spectra.origin(*(one for one in (coverage, edge, xps) if one is not None)),
    }  # fmt: skip
    return out


#: Rows that are errors of inputs, no data.
_OF_INPUTS: Final = ("LEIS stopping", "XPS lines among themselves")


def _evidence(
    coverage: xr.Dataset | None,
    edge: xr.Dataset | None,
    xps: xr.Dataset | None,
    layers: int,
    monolayer: float | None,
    monolayer_unc: float,
    stopping_unc: float | None,
) -> Evidence:
    if coverage is None and edge is None and xps is None:
        raise InputError(
            "no table is given",
            where="film",
            remedy="Pass the tables of surfspec.leis.coverage, leis.thickness or xps.thickness",
        )
    for where, one in (("coverage", coverage), ("edge", edge), ("xps", xps)):
        if one is not None and not isinstance(one, xr.Dataset):
            raise InputError(f"it is a {type(one).__name__}", where=where, remedy="Pass a table, or nothing")
    if not (isinstance(layers, int) and 2 <= layers <= 40):
        raise InputError(f"layers is {layers!r}", where="layers", remedy="Give a whole number from 2 to 40")
    doses = doses_of(coverage) if coverage is not None else None
    thickness = monolayer if monolayer is not None else (doses.monolayer if doses is not None else MONOLAYER)
    for name, value, most in (("monolayer", thickness, 5.0), ("monolayer_unc", monolayer_unc, 1.0),
                              ("stopping_unc", 0.25 if stopping_unc is None else stopping_unc, 1.0)):  # fmt: skip
        number(value, name, low=0.0, high=most, above=True)
    return Evidence(
        doses=doses,
        edges=edges_of(edge, stopping_unc, thickness / math.sqrt(12)) if edge is not None else None,
        attenuation=attenuation_of(xps) if xps is not None else None,
        layers=tuple(range(1, layers + 1)),
        monolayer=float(thickness),
        monolayer_unc=float(monolayer_unc),
    )


def scattered(evidence: Evidence) -> tuple[Evidence, float]:
    """Return the evidence with the edges' own uncertainties as large as their scatter, and the factor on them.

    References
    ----------
    Birge, Phys. Rev. 40 (1932) 207.
    """
    edges = evidence.edges
    if edges is None or edges.value.size < 2:
        return evidence, 1.0
    least = posterior(evidence.only("edges")).chi2
    factor = math.sqrt(max(1.0, least / (edges.value.size - 1)))
    return replace(evidence, edges=replace(edges, own=factor * edges.own)), factor


def not_excluded(evidence: Evidence, found: Posterior) -> tuple[int, ...]:
    """Return the numbers of monolayers that the data leave possible; none where no dose series bears on them."""
    if evidence.doses is None or not film_is_seen(evidence, found):
        return ()
    return tuple(int(n) for n, p in zip(found.layers, found.probability, strict=True) if p >= NOT_EXCLUDED)


_NO_THICKNESS: Final = "the data do not determine the thickness"


def _reasons(
    evidence: Evidence,
    found: Posterior,
    joint: Estimate,
    agreement: Agreement,
    p_value: float,
    dof: int,
    tables: Sequence[xr.Dataset | None],
    scatter: float,
) -> list[str]:
    reasons = [] if found.reached else ["not converged: the least squares of some numbers of monolayers"]
    if not film_is_seen(evidence, found):
        reasons.append(f"below detection: coverage, {found.mean[0] + 2 * found.unc[0]:.2g} at most")
    else:
        if evidence.present == ("attenuation",):
            reasons.append("not determined: coverage and thickness apart, XPS alone gives their product")
        elif not np.isfinite(joint.coverage[0]) and evidence.present != ("edges",):
            reasons.append("not determined: coverage")
        if not np.isfinite(joint.thickness[0]) and evidence.present != ("attenuation",):
            more = evidence.doses is not None and found.probability[-1] >= OPEN
            key = "ambiguous" if np.isfinite(joint.coverage[0]) else "not determined"
            reasons.append(f"{key}: {_NO_THICKNESS}{', the film may have any number of layers' if more else ''}")
        if evidence.doses is not None and not np.isfinite(joint.cross_section[0]):
            reasons.append("ambiguous: the doses do not determine a removal cross-section")
    possible = not_excluded(evidence, found)
    if len(possible) > 1 and np.isfinite(joint.thickness[0]):
        reasons.append(f"ambiguous: films of {', '.join(map(str, possible))} monolayers are possible")
    if agreement.word == "disagree":
        reasons.append(f"model inadequate: {agreement.statement}")
    elif dof and p_value < CONTRADICTION:
        reasons.append(f"model inadequate: the data contradict each other (chi-square {found.chi2:.1f} of {dof})")
    if scatter > TOLERATED_SCATTER:
        reasons.append(f"model inadequate: the edges at several doses scatter {scatter:.1f} times their uncertainties")
    for name, table in zip(("coverage", "edge", "xps"), tables, strict=True):
        if table is not None and "reasons" in table:
            parts = [part for text in np.ravel(table["reasons"].values) for part in str(text).split("; ")]
            doubts = [part for part in dict.fromkeys(parts) if part.startswith("model inadequate")]
            reasons += [f"model inadequate: {name}: {doubt.removeprefix('model inadequate: ')}" for doubt in doubts[:1]]
    return reasons
