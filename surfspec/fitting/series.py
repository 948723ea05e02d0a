"""Run one fit over every member of a series; a member that cannot be fitted is data with reasons."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Protocol, cast

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import schema
from surfspec.errors import InputError, SurfspecError
from surfspec.fitting.model import Parameter
from surfspec.fitting.result import MemberFit, empty_member

Array = NDArray[np.float64]
Index = tuple[int, ...]

#: Called with the number of members done and their total.
Progress = Callable[[int, int], None]

#: Where the start values of a member come from.
STARTS: Final = ("fresh", "neighbour", "global")
#: Reason of a member that was not reached before the user stopped the fit.
INTERRUPTED: Final = "refused: interrupted"
#: A verdict this low is worse than one that is higher.
_RANK: Final = {"failed": 0, "check": 1, "ok": 2}


class FitOne(Protocol):
    """Fit one spectrum: axis, intensities, uncertainties (None where not given), index in the series."""

    def __call__(self, x: Array, y: Array, sigma: Array | None, index: Index) -> MemberFit:
        """Return the fit of one member, or raise an error of surfspec."""
        ...


class WarmFitOne(Protocol):
    """A :class:`FitOne` that can also begin at given parameter values, shape (p,)."""

    def __call__(
        self, x: Array, y: Array, sigma: Array | None, index: Index, *, warm: Array | None = None
    ) -> MemberFit:
        """Return the fit of one member, begun at `warm` where it is given."""
        ...


def fit_members(
    dataset: xr.Dataset,
    fit_one: FitOne | WarmFitOne,
    *,
    components: int,
    parameters: Sequence[Parameter],
    progress: Progress | None = None,
    start: str = "fresh",
    along: str | None = None,
) -> list[MemberFit]:
    """Fit every member of a series.

    With ``start="fresh"`` the members do not see each other, so that their order never changes an answer.
    ``"global"`` begins each of them at the values of the fit of the summed spectrum (scaled to one member).
    ``"neighbour"`` begins each at the solution of the one before it along a coordinate; a member whose verdict is
    then not ``ok`` is also fitted from its own start and, in a second pass backwards, from the neighbour after
    it, and the best verdict (among equals the smallest deviance) wins.

    Parameters
    ----------
    dataset
        Spectrum or series: ``intensity`` (..., axis).
    fit_one
        Fits one member. A :class:`~surfspec.errors.SurfspecError` that it raises becomes a failed
        member with that reason when there are several; of a single spectrum it is raised. For ``"neighbour"`` and
        ``"global"`` it must take the keyword ``warm``, parameter values of shape (p,) or None.
    components, parameters
        Size of the result, for members that fail.
    progress
        Called after each member.
    start
        ``"fresh"``, ``"neighbour"`` or ``"global"``.
    along
        For ``"neighbour"``: a series dimension, or a coordinate over one of them, whose values give the order; by
        default the only series dimension.

    Returns
    -------
    list of MemberFit
        In C order of the series dimensions. After a KeyboardInterrupt, what is done is returned and the
        other members are failed with the reason ``"refused: interrupted"``; before the first one it is raised.

    Raises
    ------
    InputError
        For an unknown `start` or `along`, or a `fit_one` that takes no start values although they are needed.
    SurfspecError
        Of a single spectrum, or of the summed spectrum, that cannot be fitted.

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> from surfspec.fitting.result import empty_member
    >>> series = ss.stack([ss.spectrum([1.0, 2.0, 3.0], [4, n, 4], technique="LEIS") for n in (5, 6)], dim="spot")
    >>> def fit_one(x, y, sigma, index):
    ...     return empty_member(x.size, 1, (), (f"refused: peak of {y[1]:g} counts",))
    >>> [member.reasons[0] for member in fit_members(series, fit_one, components=1, parameters=())]
    ['refused: peak of 5 counts', 'refused: peak of 6 counts']
    """
    data = _Data.of(dataset)
    run = _Run(data, fit_one, components, tuple(parameters), progress)
    if along is not None and not isinstance(along, str):
        raise InputError(f"along is a {type(along).__name__}", where="along", remedy="Name one dimension or coordinate")
    check_progress(progress)
    if start not in STARTS:
        raise InputError(f"start={start!r} is not known", where="start", remedy=f"Use {', '.join(STARTS)}")
    if start == "fresh" or not data.shape:
        return run.collect(run.one(index) for index in np.ndindex(*data.shape))
    _takes_warm(fit_one)
    if start == "global":
        warm = run.mean_fit().value
        return run.collect(run.one(index, warm) for index in np.ndindex(*data.shape))
    return run.collect(run.neighbours(_lines(dataset, data.shape, along)))


def check_progress(progress: object) -> None:
    """Refuse what cannot be called.

    Raises
    ------
    InputError
        Where `progress` is neither None nor callable.
    """
    if progress is not None and not callable(progress):
        raise InputError(
            f"progress is a {type(progress).__name__}", where="progress", remedy="Pass surfspec.fitting.ProgressBar()"
        )


@dataclass(frozen=True)
class _Data:
    """The numbers of a series: axis (n,), intensities and uncertainties (..., n)."""

    x: Array
    intensity: Array
    given: Array | None

    @classmethod
    def of(cls, dataset: xr.Dataset) -> _Data:
        axis = schema.axis_of(dataset)
        return cls(
            np.array(dataset[axis].values, dtype=np.float64),
            np.asarray(dataset["intensity"].values, dtype=np.float64),
            np.asarray(dataset["intensity_unc"].values, dtype=np.float64) if "intensity_unc" in dataset else None,
        )

    @property
    def shape(self) -> tuple[int, ...]:
        return self.intensity.shape[:-1]

    def member(self, index: Index) -> tuple[Array, Array | None]:
        sigma = None if self.given is None else np.array(self.given[index], dtype=np.float64)
        return np.array(self.intensity[index]), sigma


class _Run:
    """One pass over a series: what is done, in whatever order it is done."""

    def __init__(
        self,
        data: _Data,
        fit_one: FitOne | WarmFitOne,
        components: int,
        parameters: tuple[Parameter, ...],
        progress: Progress | None,
    ) -> None:
        self.data = data
        self.fit_one = fit_one
        self.progress = progress
        self._empty = (data.x.size, components, parameters)
        self.done: dict[Index, MemberFit] = {}

    def one(self, index: Index, warm: Array | None = None) -> Index:
        """Fit one member, keep the result and return its index."""
        self.done[index] = self._fit(index, warm)
        return index

    def _fit(self, index: Index, warm: Array | None) -> MemberFit:
        y, sigma = self.data.member(index)
        try:
            if warm is None:
                return self.fit_one(self.data.x, y, sigma, index)
            return cast(WarmFitOne, self.fit_one)(self.data.x, y, sigma, index, warm=warm)
        except SurfspecError as error:
            if not self.data.shape:
                raise
            return empty_member(*self._empty, (f"refused: {error}".replace(";", ","),))

    def collect(self, steps: Iterator[Index]) -> list[MemberFit]:
        """Take every step, report progress, and return the members in C order, whole or interrupted."""
        indices = list(np.ndindex(*self.data.shape))
        try:
            for count, _ in enumerate(steps, start=1):
                if self.progress is not None:
                    self.progress(count, len(indices))
        except KeyboardInterrupt:
            if not self.done or not self.data.shape:
                raise
        missing = empty_member(*self._empty, (INTERRUPTED,))
        return [self.done.get(index, missing) for index in indices]

    def mean_fit(self) -> MemberFit:
        """Fit the summed spectrum, scaled to one member so that its areas can start one.

        A Poisson deviance and a chi-square scale with the data, so the sum and the mean have the same shape parameters.
        """
        flat = self.data.intensity.reshape(-1, self.data.x.size)
        usable = np.all(np.isfinite(flat), axis=1)
        if not np.any(usable):
            raise InputError(
                "no member has finite intensities throughout",
                where="start='global'",
                remedy="Repair the data, or use start='fresh'",
            )
        count = int(np.count_nonzero(usable))
        sigma = None
        if self.data.given is not None:
            flat_unc = self.data.given.reshape(flat.shape)[usable]
            sigma = np.sqrt(np.sum(flat_unc**2, axis=0)) / count
        fitted = self.fit_one(self.data.x, flat[usable].mean(axis=0), sigma, ())
        if not np.all(np.isfinite(fitted.value)):
            raise InputError(
                f"the summed spectrum cannot be fitted ({'; '.join(fitted.reasons)})",
                where="start='global'",
                remedy="Use start='fresh'",
            )
        return fitted

    def neighbours(self, lines: Iterator[list[Index]]) -> Iterator[Index]:
        """Fit along each line forwards, then mend backwards; a member counts as done after its last try."""
        for line in lines:
            before: MemberFit | None = None
            for index in line:
                self.one(index, None if before is None else before.value)
                if before is not None and self.done[index].verdict != "ok":
                    self._better(index, None)
                if _usable(self.done[index]):
                    before = self.done[index]
                yield index
            for after, index in pairwise(reversed(line)):
                neighbour = self.done[after]
                if _usable(neighbour) and self.done[index].verdict != "ok":
                    self._better(index, neighbour.value)

    def _better(self, index: Index, warm: Array | None) -> None:
        other, present = self._fit(index, warm), self.done[index]
        if (_RANK[other.verdict], -_deviance(other)) > (_RANK[present.verdict], -_deviance(present)):
            self.done[index] = other


def _usable(member: MemberFit) -> bool:
    return member.verdict != "failed" and bool(np.all(np.isfinite(member.value)))


def _deviance(member: MemberFit) -> float:
    return member.deviance if np.isfinite(member.deviance) else np.inf


def _takes_warm(fit_one: FitOne | WarmFitOne) -> None:
    accepted = inspect.signature(fit_one).parameters.values()
    if not any(one.name == "warm" or one.kind is inspect.Parameter.VAR_KEYWORD for one in accepted):
        raise InputError("this fit takes no start values of other members", where="start", remedy="Use start='fresh'")


def _lines(dataset: xr.Dataset, shape: tuple[int, ...], along: str | None) -> Iterator[list[Index]]:
    """Yield the indices of each line along one series dimension, in the order of the coordinate."""
    series = schema.series_dims(dataset)
    name = series[0] if along is None and len(series) == 1 else along
    coordinate = dataset.coords.get(name) if name is not None else None
    if name in series:
        dim = str(name)
    elif coordinate is not None and len(coordinate.dims) == 1 and coordinate.dims[0] in series:
        dim = str(coordinate.dims[0])
    else:
        known = [*series, *(str(c) for c, v in dataset.coords.items() if len(v.dims) == 1 and v.dims[0] in series)]
        raise InputError(
            f"along={along!r} is no series dimension and no coordinate over one",
            where="along",
            remedy=f"Choose one of {', '.join(dict.fromkeys(known))}",
        )
    position = series.index(dim)
    order = np.arange(shape[position])
    if coordinate is not None and coordinate.dtype.kind in "biuf":
        order = np.argsort(np.asarray(coordinate.values), kind="stable")
    others = shape[:position] + shape[position + 1 :]
    for rest in np.ndindex(*others):
        yield [(*rest[:position], int(i), *rest[position:]) for i in order]
