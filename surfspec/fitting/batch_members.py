"""From a batched solution to fitted members, all of them at once: the numbers of ``member_from_model`` as arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from surfspec.errors import InputError
from surfspec.fitting.batch import BatchSolution
from surfspec.fitting.batch_profiles import Size, sizes, write_values
from surfspec.fitting.lineshapes import shape
from surfspec.fitting.members import ARRAYS, Members
from surfspec.fitting.model import Model, Tie
from surfspec.fitting.result import DETECTION

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

#: Members whose profiles are computed at once, so that a component of all of them stays near the processor.
BLOCK: Final = 256


@dataclass(frozen=True)
class Links:
    """The ties of a model as matrices: k components, p parameters.

    Attributes
    ----------
    shapes
        Names of the shapes, length k.
    area, area_offset
        ``areas = area @ values + area_offset``, shapes (k, p) and (k,).
    roles, roles_offset
        For each component the roles of its shape, ``roles[i] @ values + roles_offset[i]``, shapes (r, p) and (r,).
    used
        Whether a component follows a parameter in any way, shape (k, p).
    told
        The parameter that its area follows first, and the one that its centre does: those whose values a report of
        the component rests on, shape (k, p).
    """

    shapes: tuple[str, ...]
    area: Array
    area_offset: Array
    roles: tuple[Array, ...]
    roles_offset: tuple[Array, ...]
    used: Mask
    told: Mask

    @classmethod
    def of(cls, model: Model, parameters: int | None = None) -> Links:
        """Return those of a model; `parameters` counts also those that are no part of it and come after.

        Examples
        --------
        >>> from surfspec.fitting import Component, Parameter
        >>> ps = (Parameter("a", 1.0), Parameter("c", 0.0), Parameter("w", 1.0))
        >>> peak = Component("one", "gaussian", Tie("a", 0.5), {"center": Tie("c", offset=2.0), "fwhm": Tie("w")})
        >>> links = Links.of(Model(ps, (peak,)))
        >>> links.area.tolist(), links.roles_offset[0].tolist(), links.told.tolist()
        ([[0.5, 0.0, 0.0]], [2.0, 0.0], [[True, True, False]])
        """
        position = {p.name: i for i, p in enumerate(model.parameters)}
        count = len(position) if parameters is None else parameters

        def rows(ties: list[Tie]) -> tuple[Array, Array]:
            """Return the factors and offsets of some ties."""
            out = np.zeros((len(ties), count))
            for row, tie in zip(out, ties, strict=True):
                for name, factor in tie.terms():
                    row[position[name]] += factor
            return out, np.array([tie.offset for tie in ties], dtype=np.float64)

        components = model.components
        area, area_offset = rows([c.area for c in components])
        roles = [rows([c.roles[role] for role in shape(c.shape).roles]) for c in components]
        used, told = np.zeros((2, len(components), count), dtype=bool)
        for i, c in enumerate(components):
            used[i, [position[name] for tie in (c.area, *c.roles.values()) for name in tie.names()]] = True
            told[i, [position[tie.parameter] for tie in (c.area, c.roles["center"])]] = True
        return cls(
            shapes=tuple(c.shape for c in components),
            area=area,
            area_offset=area_offset,
            roles=tuple(matrix for matrix, _ in roles),
            roles_offset=tuple(offset for _, offset in roles),
            used=used,
            told=told,
        )

    @property
    def centers(self) -> tuple[Array, Array]:
        """The rows of the roles ``center``, ``centers = matrix @ values + offset``, shapes (k, p) and (k,)."""
        out, offset = np.zeros(self.area.shape), np.zeros(len(self.shapes))
        for i, name in enumerate(self.shapes):
            role = shape(name).roles.index("center")
            out[i], offset[i] = self.roles[i][role], self.roles_offset[i][role]
        return out, offset

    def areas_of(self, values: Array) -> Array:
        """Return the areas of every member, shape (m, k), from its values, shape (m, p)."""
        return _times(values, self.area) + self.area_offset

    def roles_of(self, values: Array) -> list[Array]:
        """Return for each component the roles of every member, shape (m, r)."""
        return [_times(values, m) + offset for m, offset in zip(self.roles, self.roles_offset, strict=True)]


def _times(values: Array, matrix: Array) -> Array:
    """Return ``matrix @ values`` of every member: sums of their own, so that company does not change the rounding."""
    out: Array = np.sum(values[:, None, :] * matrix, axis=2)
    return out


def members_from_batch(batch: BatchSolution, start: ArrayLike) -> Members:
    """Turn a batched solution into members, with first-order uncertainties.

    The same numbers as :func:`~surfspec.fitting.result.member_from_model` gives for each member; extra columns belong
    to the background.

    Parameters
    ----------
    batch
        What :func:`~surfspec.fitting.batch.solve_batch` returned.
    start
        Start values, shape (m, p) or (p,).

    Returns
    -------
    Members
        Not judged yet: ``ok`` without reasons. Members that were refused are ``failed`` and say why, and so do those
        whose values are no numbers.

    Raises
    ------
    InputError
        For start values of another shape.

    Examples
    --------
    >>> from surfspec.fitting import Component, Parameter, solve_batch
    >>> ps = (Parameter("area", 1.0, low=0.0), Parameter("center", 0.2), Parameter("fwhm", 1.5, low=0.1))
    >>> peak = Component("one", "gaussian", Tie("area"), {"center": Tie("center"), "fwhm": Tie("fwhm")})
    >>> x = np.linspace(-4, 4, 81)
    >>> y = 10 + np.array([[500.0], [900.0]]) * np.exp(-2.772589 * x**2)
    >>> found = members_from_batch(solve_batch(Model(ps, (peak,)), x, y, np.full(81, 10.0)), [1.0, 0.2, 1.5])
    >>> found.height.round(1).tolist(), found[1].flag.tolist()
    ([[500.0], [900.0]], ['ok'])
    """
    parameters = batch.inputs.parameters
    count, p = len(batch), len(parameters)
    begin = np.asarray(start, dtype=np.float64)
    if begin.shape not in ((p,), (count, p)):
        raise InputError(
            f"start values of the shape {begin.shape}", where="start", remedy=f"Give {(p,)} or {(count, p)}"
        )
    links = Links.of(batch.inputs.model, p)
    kept = np.all(np.isfinite(batch.values), axis=1) & (batch.refused == "")
    # the arithmetic needs numbers everywhere; what was not fitted is blanked in the end
    values = np.where(kept[:, None], batch.values, np.array([one.value for one in parameters]))
    covariance, unknown = _determined(batch)
    areas, roles = links.areas_of(values), links.roles_of(values)
    spread = _Spread.of(covariance, unknown)
    area_covariance = spread.matrix(links.area)
    centers, center_offset = links.centers
    (fwhm, by_fwhm), (height, by_height) = _sizes(links, areas, roles)
    with np.errstate(invalid="ignore"):  # data of refused members may hold infinities
        contribution, background = _profiles(batch, links, values, areas, roles)
        model = background + contribution.sum(axis=1)
    area_unc = _roots(np.diagonal(area_covariance, axis1=1, axis2=2))
    members = Members(
        model=model,
        background=background,
        contribution=contribution,
        area=areas,
        area_unc=area_unc,
        area_covariance=area_covariance,
        center=_times(values, centers) + center_offset,
        center_unc=spread.along(np.broadcast_to(centers, (count, *centers.shape))),
        fwhm=fwhm,
        fwhm_unc=spread.along(by_fwhm),
        height=height,
        height_unc=spread.along(by_height),
        flag=_flags(batch, links, areas, area_unc),
        value=values,
        value_unc=_roots(np.diagonal(covariance, axis1=1, axis2=2)),
        start=np.array(np.broadcast_to(begin, (count, p))),
        low=np.broadcast_to(np.array([one.low for one in parameters], dtype=np.float64), (count, p)),
        high=np.broadcast_to(np.array([one.high for one in parameters], dtype=np.float64), (count, p)),
        covariance=covariance,
        chi2=batch.chi2.copy(),
        deviance=batch.deviance.copy(),
        dof=batch.dof.copy(),
        verdict=np.full(count, "ok", dtype="<U8"),
        reasons=((),) * count,
    )
    return members if kept.all() else _without(members, batch, np.flatnonzero(~kept))


def _determined(batch: BatchSolution) -> tuple[Array, Mask]:
    """Return the covariances with NaN where a limit holds a parameter or its uncertainty exceeds its whole range."""
    span = np.array([one.high - one.low for one in batch.inputs.parameters])
    lost = (_roots(np.diagonal(batch.covariance, axis1=1, axis2=2)) > span) | batch.at_bound
    out = batch.covariance.copy()
    if lost.any():
        out[lost[:, :, None] | lost[:, None, :]] = np.nan
    return out, np.isnan(np.diagonal(out, axis1=1, axis2=2))


def _roots(variance: Array) -> Array:
    with np.errstate(invalid="ignore"):
        return np.sqrt(variance)


@dataclass(frozen=True)
class _Spread:
    """Covariances without their NaN, and which parameters had them: what :func:`propagate` does for one member."""

    clean: Array
    unknown: Mask

    @classmethod
    def of(cls, covariance: Array, unknown: Mask) -> _Spread:
        clean = np.where(np.isnan(covariance), 0.0, covariance) if unknown.any() else covariance
        return cls(clean, unknown)

    def matrix(self, gradient: Array) -> Array:
        """Return ``G C G^T`` for one gradient, shape (k, p), and every member: shape (m, k, k)."""
        out: Array = gradient @ (self.clean @ gradient.T)
        touched = self._touched(gradient[None])
        if touched.any():
            out[touched[:, :, None] | touched[:, None, :]] = np.nan
        return out

    def along(self, gradient: Array) -> Array:
        """Return the roots of the diagonal of ``G C G^T``, shape (m, k), for gradients of shape (m, k, p)."""
        out = _roots(np.sum((gradient @ self.clean) * gradient, axis=2))
        out[self._touched(gradient)] = np.nan
        return out

    def _touched(self, gradient: Array) -> Mask:
        """Return where an undetermined parameter really enters, shape (m, k)."""
        if not self.unknown.any():
            return np.zeros((len(self.unknown), gradient.shape[1]), dtype=bool)
        touched: Mask = np.any((np.abs(gradient) > 0) & self.unknown[:, None, :], axis=2)
        return touched


def _sizes(links: Links, areas: Array, roles: list[Array]) -> tuple[Size, Size]:
    """Return widths and heights of every component, shape (m, k), and their gradients, shape (m, k, p)."""
    count, p = areas.shape[0], links.area.shape[1]
    fwhm, height = np.empty(areas.shape), np.empty(areas.shape)
    by_fwhm, by_height = np.empty((*areas.shape, p)), np.empty((*areas.shape, p))
    for i, (name, matrix) in enumerate(zip(links.shapes, links.roles, strict=True)):
        (fwhm[:, i], width_slopes), (top, top_slopes) = sizes(name, roles[i])
        by_fwhm[:, i] = _times(width_slopes, matrix.T)
        area = areas[:, i].reshape(count, 1)
        height[:, i] = areas[:, i] * top
        by_height[:, i] = _times(area * top_slopes, matrix.T) + top[:, None] * links.area[i]
    return (fwhm, by_fwhm), (height, by_height)


def _profiles(
    batch: BatchSolution, links: Links, values: Array, areas: Array, roles: list[Array]
) -> tuple[Array, Array]:
    """Return the contributions, shape (m, k, n), and the backgrounds that give way to them, shape (m, n)."""
    inputs, count, k = batch.inputs, len(batch), len(links.shapes)
    contribution = np.empty((count, k, inputs.x.size))
    background = np.array(np.broadcast_to(inputs.base, (count, inputs.x.size)))
    peaks = len(inputs.model.parameters)
    low, high = (inputs.x[:1], inputs.x[-1:]) if inputs.ends is None else inputs.ends
    ends = np.concatenate([low, high])
    for first in range(0, count, BLOCK):
        rows = slice(first, min(first + BLOCK, count))
        for i, name in enumerate(links.shapes):
            write_values(name, inputs.x, areas[rows, i], roles[i][rows], contribution[rows, i])
        if inputs.columns is not None:
            columns = inputs.columns.make(inputs.x, inputs.y[rows])
            background[rows] += (values[rows, None, peaks:] @ columns)[:, 0]
        if inputs.sensitivity is None:
            continue
        tails, one = np.zeros((rows.stop - first, ends.size)), np.empty((rows.stop - first, ends.size))
        for i, name in enumerate(links.shapes):
            write_values(name, ends, areas[rows, i], roles[i][rows], one)
            tails += one
        means = np.stack([tails[:, : low.size].mean(axis=1), tails[:, low.size :].mean(axis=1)], axis=1)
        if inputs.tails is not None:
            means -= inputs.tails if inputs.tails.ndim == 1 else inputs.tails[rows]
        bends = inputs.sensitivity if inputs.sensitivity.ndim == 2 else inputs.sensitivity[rows]
        background[rows] -= (means[:, None, :] @ bends)[:, 0]
    return contribution, background


def _flags(batch: BatchSolution, links: Links, areas: Array, area_unc: Array) -> NDArray[np.str_]:
    known = np.isfinite(area_unc)
    lost, held = batch.undetermined @ links.used.T, batch.at_bound @ links.used.T
    cases = [known & (areas < DETECTION * np.where(known, area_unc, 0.0)), lost | ~known, held]
    return np.select(cases, ["below_detection", "not_determined", "at_bound"], "ok").astype("<U16")


def _without(members: Members, batch: BatchSolution, rows: NDArray[np.intp]) -> Members:
    """Blank the members that were not fitted, and say why."""
    parameters = batch.inputs.parameters
    for name in set(ARRAYS) - {"flag", "start", "low", "high"} | {"chi2", "deviance"}:
        getattr(members, name)[rows] = np.nan
    members.start[rows] = [one.value for one in parameters]
    members.flag[rows], members.dof[rows], members.verdict[rows] = "not_determined", 0, "failed"
    reasons = list(members.reasons)
    for row in rows.tolist():
        reasons[row] = (refusal(str(batch.refused[row])),)
    return replace(members, reasons=tuple(reasons))


def refusal(text: str) -> str:
    """Return the reason of a member that was not fitted, from what the solver said of it.

    Examples
    --------
    >>> refusal("every intensity is zero"), refusal("")
    ('refused: every intensity is zero', 'not finite')
    """
    return f"refused: {text}".replace(";", ",") if text else "not finite"
