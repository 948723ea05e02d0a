"""Some members of a series as arrays: the backgrounds, passes and verdicts that all of them go through together."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from surfspec.errors import SurfspecError
from surfspec.fitting.backgrounds import BackgroundSeries, background_series
from surfspec.fitting.batch import BatchSolution, solve_batch
from surfspec.fitting.batch.bounded import bounded_quadratic
from surfspec.fitting.batch_joining import end_tails, laid_over
from surfspec.fitting.batch_members import Links, refusal
from surfspec.fitting.batch_necessity import replaceable_areas
from surfspec.fitting.batch_verdict import judge_many
from surfspec.fitting.members import Members
from surfspec.fitting.model import BoundModel, Parameter
from surfspec.xps.region.member import AS_GOOD, TAIL_PASSES, TAIL_TOLERANCE, Task, end_points, lowers
from surfspec.xps.region.reasons import (
    background_reasons,
    component_reasons,
    detected_together,
    of_peaks,
    prior_reasons,
    stands_out,
)
from surfspec.xps.region.second_look import other_places, own_places

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Rows = NDArray[np.intp]

#: Evaluations of the model for each start. Faint peaks end slowly; compiled, more passes still cost less than handing
#: such a member to the single solver, which takes what has not ended.
MAX_PASSES = {"numpy": 60, "numba": 300}


@dataclass(frozen=True)
class Under:
    """What of the backgrounds of all members is needed after the fit; see :class:`BackgroundSeries`."""

    kind: str
    anchors: Array
    anchor_unc: Array
    converged: Mask
    k_width: Array
    refused: NDArray[np.str_]

    @classmethod
    def of(cls, series: BackgroundSeries) -> Under:
        """Return that of the backgrounds of the first pass."""
        refused = np.array(_refusals(series))
        return cls(series.kind, series.anchors, series.anchor_unc, series.converged, series.k_width, refused)

    def laid_over(self, rows: Rows, later: BackgroundSeries) -> Under:
        """Return the same with some members as in a later pass, but the end levels of the data."""
        converged, k_width, refused = self.converged.copy(), self.k_width.copy(), self.refused.tolist()
        converged[rows], k_width[rows] = later.converged, later.k_width
        for row, text in zip(rows.tolist(), _refusals(later), strict=True):
            refused[row] = text
        return replace(self, converged=converged, k_width=k_width, refused=np.array(refused))


def _refusals(series: BackgroundSeries) -> list[str]:
    """Return for each member why it has no background, in full; empty where it has one."""
    texts = list(series.refused)
    for index in [i for i, text in enumerate(texts) if text]:
        try:
            series.member(index)
        except SurfspecError as error:
            texts[index] = str(error)
    return texts


@dataclass(frozen=True)
class Block:
    """The data of some members."""

    task: Task
    x: Array
    y: Array
    sigma: Array | None
    inside: Mask
    engine: str
    prior_means: Array | None = None

    @property
    def lowers(self) -> bool:
        """Whether the end levels of the background give way to the tails of the peaks."""
        return lowers(self.task.recipe, self.task.recipe.background.kind)

    def background(self, rows: Rows, anchors: Array | None) -> BackgroundSeries:
        """Return the backgrounds of some members, with given end levels or those of the data."""
        chosen, x = self.task.recipe.background, self.x[self.inside]
        sigma = None if self.sigma is None else self.sigma[rows]
        forced = {} if anchors is None else {"anchors": anchors}
        window = (float(x[0]), float(x[-1]))
        return background_series(
            self.x, self.y[rows], kind=chosen.kind, sigma=sigma, window=window, **chosen.options, **forced
        )

    def solve(
        self, rows: Rows, base: Array, bends: Array, anchor_unc: Array, starts: list[Array], tails: Array | None = None
    ) -> BatchSolution:
        """Fit the peaks of some members over their backgrounds, of which `bends` is the sensitivity."""
        change = bends * anchor_unc[:, :, None]
        change[~np.isfinite(change).all(axis=(1, 2))] = 0.0
        given = self.sigma is not None and self.task.statistics == "given"
        return solve_batch(
            self.task.table.model,
            self.x[self.inside],
            self.y[rows][:, self.inside],
            base,
            statistics=self.task.statistics,
            sigma=self.sigma[rows][:, self.inside] if given and self.sigma is not None else None,
            sensitivity=bends if self.lowers else None,
            tails=(np.zeros((rows.size, 2)) if tails is None else tails) if self.lowers else None,
            ends=end_points(self.task.recipe, self.x, self.inside) if self.lowers else None,
            nuisance=change,
            prior_means=None if self.prior_means is None else self.prior_means[rows],
            starts=starts,
            engine=self.engine,
            max_passes=MAX_PASSES[self.engine],
        )

    def second_look(self, first: BackgroundSeries, batch: BatchSolution) -> BatchSolution:
        """Return the better of each solution and of those with faint peaks looked for elsewhere in their ranges."""
        moved = other_places(self.task.table.model, batch.values, batch.uncertainties)
        kept = (batch.refused == "") & np.isfinite(batch.values).all(axis=1)
        rows = np.flatnonzero(kept & np.any([(one != batch.values).any(axis=1) for one in moved], axis=0))
        if not rows.size:
            return batch
        begin = [batch.values[rows], *(one[rows] for one in moved)]
        again = self.solve(rows, first.values[rows], first.sensitivity[rows], first.anchor_unc[rows], begin)
        return laid_over(batch, rows, replace(again, unsettled=batch.unsettled[rows]))

    def placed(self, first: BackgroundSeries, batch: BatchSolution) -> BatchSolution:
        """Return the solutions with peaks without area where the recipe has them, unless that is worse."""
        kept = (batch.refused == "") & np.isfinite(batch.values).all(axis=1)
        values = own_places(self.task.table.model, batch.values)
        rows = np.flatnonzero(kept & (values != batch.values).any(axis=1))
        if not rows.size:
            return batch
        inputs = batch.inputs
        bends = first.sensitivity if inputs.sensitivity is None else inputs.sensitivity
        tails = None if inputs.tails is None else inputs.tails[rows]
        again = self.solve(rows, inputs.base[rows], bends[rows], first.anchor_unc[rows], [values[rows]], tails)
        before = batch.deviance[rows]
        good = np.flatnonzero((again.refused == "") & (again.deviance <= before + AS_GOOD * np.maximum(1.0, before)))
        return laid_over(batch, rows, replace(again, unsettled=batch.unsettled[rows]), good)

    def below_tails(self, first: BackgroundSeries, batch: BatchSolution) -> tuple[Under, BatchSolution]:
        """Lower the end levels below the tails of the peaks, member by member until nothing moves any more."""
        under = Under.of(first)
        active = np.flatnonzero(batch.refused == "")
        for _ in range(TAIL_PASSES):
            if not active.size:
                break
            before = batch.values[active]
            lowered = first.anchors[active] - end_tails(batch)[active]
            counts = self.y[active].min(axis=1) >= 0
            lowered[counts] = np.maximum(lowered[counts], 0.0)
            below = self.background(active, lowered)
            tails = first.anchors[active] - lowered
            later = self.solve(active, below.values, below.sensitivity, first.anchor_unc[active], [before], tails)
            later = replace(later, unsettled=batch.unsettled[active])
            batch, under = laid_over(batch, active, later), under.laid_over(active, below)
            unit = np.where(later.uncertainties > 0, later.uncertainties, np.inf)
            moved = np.max(np.abs(later.values - before) / unit, axis=1)
            active = active[(later.refused == "") & (moved >= TAIL_TOLERANCE)]
        return under, batch

    def begin(self, first: BackgroundSeries, values: Array) -> Array:
        """Return the start values of every member: the recipe's, with the areas that then fit best; shape (m, p)."""
        model, points = self.task.table.model, self.x[self.inside]
        out = np.tile(values, (len(self.y), 1))
        columns = BoundModel(model, points, np.zeros(points.size)).area_columns(values)
        if not columns:
            return out
        y = self.y[:, self.inside]
        weight = 1.0 / np.maximum(y, 1.0) if self.sigma is None else self.sigma[:, self.inside] ** -2.0
        shapes = np.stack(list(columns.values()))
        gram = (weight @ (shapes[:, None] * shapes).reshape(-1, points.size).T).reshape(-1, len(shapes), len(shapes))
        right = (weight * (y - first.values)) @ shapes.T
        good = np.isfinite(right).all(axis=1) & np.isfinite(gram).all(axis=(1, 2))
        floor, ceiling = np.zeros(len(shapes)), np.full(len(shapes), np.inf)
        areas = bounded_quadratic(gram[good], right[good], floor, ceiling)
        for column, position in enumerate(columns):
            one = model.parameters[position]
            out[good, position] = np.clip(areas[:, column], one.low, one.high)
        return out

    def judged(self, under: Under, batch: BatchSolution, members: Members) -> Members:
        """Return the members with their verdicts, as :func:`surfspec.xps.region.member_fit.judged` gives them."""
        links = Links.of(self.task.table.model)
        seen = members.flag != "below_detection"
        seen[~seen.any(axis=1)] = True
        found = judge_many(
            batch,
            fitted=members.model,
            reported=(seen[:, :, None] & links.told).any(axis=1),
            counted=(seen[:, :, None] & links.used).any(axis=1),
            extra=self._extra(under, batch, members),
            replaceable=replaceable_areas(batch, members.contribution, members.model),
        )
        found = [(verdict, of_peaks(reasons)) for verdict, reasons in found]
        for i in np.flatnonzero(under.refused != ""):
            found[i] = ("failed", (refusal(str(under.refused[i])),))
        return members.judged(found)

    def _extra(self, under: Under, batch: BatchSolution, members: Members) -> list[list[str]]:
        """Return the reasons that lie in the background and in the components."""
        task, points = self.task, self.x[self.inside]
        names = [c.name for c in task.table.model.components]
        tails, highest = end_tails(batch).max(axis=1), members.contribution.sum(axis=1).max(axis=1)
        window, extra, held = float(points[-1] - points[0]), list(task.extra), task.table.has_priors
        return [
            [
                *extra,
                *background_reasons(
                    under.kind,
                    (float(under.anchors[i, 0]), float(under.anchors[i, 1])),
                    (float(under.anchor_unc[i, 0]), float(under.anchor_unc[i, 1])),
                    converged=bool(under.converged[i]),
                    k_width=float(under.k_width[i]),
                    options=task.recipe.background.options,
                ),
                *component_reasons(
                    names,
                    members.fwhm[i],
                    members.flag[i],
                    together=detected_together(members.area[i], members.area_covariance[i])
                    or stands_out(members.height[i], members.height_unc[i]),
                    window=window,
                    tail=float(tails[i]),
                    highest=float(highest[i]),
                ),
                *(prior_reasons(self._parameters(i), members.value[i], members.value_unc[i]) if held else ()),
            ]
            for i in range(len(members))
        ]

    def _parameters(self, index: int) -> tuple[Parameter, ...]:
        """Return the parameters with the priors of one member."""
        every = self.task.table.model.parameters
        if self.prior_means is None:
            return every
        means = self.prior_means[index]
        return tuple(
            p if p.prior is None else replace(p, prior=(float(mean), p.prior[1]))
            for p, mean in zip(every, means, strict=True)
        )
