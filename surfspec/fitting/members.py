"""Fitted spectra as arrays: one member, or many of them as one set of large arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from surfspec.errors import InputError
from surfspec.fitting.model import Parameter

Array = NDArray[np.float64]


@dataclass(frozen=True)
class MemberFit:
    """The fit of one spectrum as arrays: n points, k components, p parameters.

    ``model == background + contribution.sum(axis=0)`` holds exactly.
    """

    model: Array
    background: Array
    contribution: Array
    area: Array
    area_unc: Array
    area_covariance: Array
    center: Array
    center_unc: Array
    fwhm: Array
    fwhm_unc: Array
    height: Array
    height_unc: Array
    flag: NDArray[np.str_]
    value: Array
    value_unc: Array
    start: Array
    low: Array
    high: Array
    covariance: Array
    chi2: float
    deviance: float
    dof: int
    verdict: str
    reasons: tuple[str, ...]


#: Fields with one array a member, and those with one number.
ARRAYS: Final = tuple(one.name for one in fields(MemberFit))[:19]
NUMBERS: Final = ("chi2", "deviance", "dof")


@dataclass(frozen=True)
class Members:
    """The fits of m spectra as one array a quantity: the fields of :class:`MemberFit` with a leading dimension m.

    A sequence of them: ``members[3]`` is a :class:`MemberFit` of views. ``low`` and ``high`` may be one row shown m
    times, which is read-only.

    Examples
    --------
    >>> two = Members.of([empty_member(3, 1, (), ("refused: dark",)), empty_member(3, 1, (), ("refused: torn",))])
    >>> len(two), two.model.shape, two[1].reasons
    (2, (2, 3), ('refused: torn',))
    """

    model: Array
    background: Array
    contribution: Array
    area: Array
    area_unc: Array
    area_covariance: Array
    center: Array
    center_unc: Array
    fwhm: Array
    fwhm_unc: Array
    height: Array
    height_unc: Array
    flag: NDArray[np.str_]
    value: Array
    value_unc: Array
    start: Array
    low: Array
    high: Array
    covariance: Array
    chi2: Array
    deviance: Array
    dof: NDArray[np.int64]
    verdict: NDArray[np.str_]
    reasons: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, members: Sequence[MemberFit]) -> Members:
        """Stack members, which must agree in points, components and parameters.

        Raises
        ------
        InputError
            For no members, or for members that do not agree.
        """
        if not members:
            raise InputError("there are no members to stack", remedy="Give the fit of at least one spectrum")
        return cls(
            **{name: _stack(name, [getattr(one, name) for one in members]) for name in ARRAYS},
            chi2=np.array([one.chi2 for one in members], dtype=np.float64),
            deviance=np.array([one.deviance for one in members], dtype=np.float64),
            dof=np.array([one.dof for one in members], dtype=np.int64),
            verdict=np.array([one.verdict for one in members], dtype="<U8"),
            reasons=tuple(one.reasons for one in members),
        )

    @classmethod
    def empty(
        cls, count: int, n: int, components: int, parameters: Sequence[Parameter], reasons: tuple[str, ...]
    ) -> Members:
        """Return members that could not be fitted: NaN, and the reasons why; their arrays are their own."""
        one = empty_member(n, components, parameters, reasons)
        return cls(
            **{name: np.repeat(getattr(one, name)[None], count, axis=0) for name in ARRAYS},
            chi2=np.full(count, np.nan),
            deviance=np.full(count, np.nan),
            dof=np.zeros(count, dtype=np.int64),
            verdict=np.full(count, one.verdict, dtype="<U8"),
            reasons=(reasons,) * count,
        )

    def __len__(self) -> int:
        return len(self.reasons)

    def __getitem__(self, index: int) -> MemberFit:
        return self.member(index)

    def __iter__(self) -> Iterator[MemberFit]:
        return (self.member(index) for index in range(len(self)))

    def member(self, index: int) -> MemberFit:
        """Return one member; its arrays are views."""
        return MemberFit(
            **{name: getattr(self, name)[index] for name in ARRAYS},
            chi2=float(self.chi2[index]),
            deviance=float(self.deviance[index]),
            dof=int(self.dof[index]),
            verdict=str(self.verdict[index]),
            reasons=self.reasons[index],
        )

    def judged(self, judgements: Sequence[tuple[str, tuple[str, ...]]]) -> Members:
        """Return the same members with these verdicts and reasons, one for each."""
        if len(judgements) != len(self):
            raise InputError(f"{len(judgements)} verdicts for {len(self)} members", remedy="Give one for each")
        return replace(
            self,
            verdict=np.array([verdict for verdict, _ in judgements], dtype="<U8"),
            reasons=tuple(reasons for _, reasons in judgements),
        )

    def rows(self, chosen: NDArray[np.intp]) -> Members:
        """Return some of the members, as copies."""
        return Members(
            **{name: getattr(self, name)[chosen] for name in (*ARRAYS, *NUMBERS, "verdict")},
            reasons=tuple(self.reasons[i] for i in chosen),
        )

    def put(self, rows: NDArray[np.intp], part: Members) -> Members:
        """Write other members over some rows, into the arrays of this one, and return it with their reasons.

        The one function that changes arrays: for those who fill what :meth:`empty` made block by block.
        """
        for name in (*ARRAYS, *NUMBERS, "verdict"):
            getattr(self, name)[rows] = getattr(part, name)
        reasons = list(self.reasons)
        for row, some in zip(rows.tolist(), part.reasons, strict=True):
            reasons[row] = some
        return replace(self, reasons=tuple(reasons))


def _stack(name: str, arrays: list[NDArray[Any]]) -> NDArray[Any]:
    """Join arrays of one shape under a new first dimension; many small ones cost little more than their copy."""
    shape = arrays[0].shape
    other = next((array.shape for array in arrays if array.shape != shape), None)
    if other is not None:
        raise InputError(
            f"{name} has the shape {shape} in one member and {other} in another",
            where=name,
            remedy="Fit all members on one axis with one model",
        )
    return np.concatenate(arrays).reshape((len(arrays), *shape)) if shape else np.array(arrays)


def empty_member(n: int, components: int, parameters: Sequence[Parameter], reasons: tuple[str, ...]) -> MemberFit:
    """Return the member of a spectrum that could not be fitted: NaN, and the reasons why."""
    nan_n, nan_k = np.full(n, np.nan), np.full(components, np.nan)
    p = len(parameters)
    return MemberFit(
        model=nan_n, background=nan_n, contribution=np.full((components, n), np.nan),
        area=nan_k, area_unc=nan_k, area_covariance=np.full((components, components), np.nan),
        center=nan_k, center_unc=nan_k, fwhm=nan_k, fwhm_unc=nan_k, height=nan_k, height_unc=nan_k,
        flag=np.full(components, "not_determined", dtype="<U16"),
        value=np.full(p, np.nan), value_unc=np.full(p, np.nan),
        start=np.array([one.value for one in parameters], dtype=np.float64),
        low=np.array([one.low for one in parameters], dtype=np.float64),
        high=np.array([one.high for one in parameters], dtype=np.float64),
        covariance=np.full((p, p), np.nan), chi2=np.nan, deviance=np.nan, dof=0,
        verdict="failed", reasons=reasons,
    )  # fmt: skip
