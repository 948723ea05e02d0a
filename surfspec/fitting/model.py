"""A peak model as a frozen table of components; no expressions, no hidden state.

Every role of a component (its area, centre, widths) is tied to parameters by
``role = factor * parameter + offset``. A spin-orbit doublet is two components that share parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from surfspec.errors import InputError
from surfspec.fitting.lineshapes import Shape, shape

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Parameter:
    """One number that a fit may move.

    Attributes
    ----------
    name
        Unique within the model, ``"Zr4+ area"`` say.
    value
        Start value.
    low, high
        Limits; the fit never leaves them.
    vary
        False keeps the start value.
    unit
        Unit of the value.
    natural_low
        True where lying on `low` is a physical answer (an area of zero, a Lorentz width of zero)
        and not a fault of the limits.
    prior
        Mean and standard uncertainty of what is known beforehand, a Gaussian prior; see
        :mod:`surfspec.fitting.solver.priors`.
    """

    name: str
    value: float
    low: float = -np.inf
    high: float = np.inf
    vary: bool = True
    unit: str = "1"
    natural_low: bool = False
    prior: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if not self.low <= self.value <= self.high:
            raise InputError(
                f"start value {self.value:g} of {self.name!r} lies outside {self.low:g} to {self.high:g}",
                where=self.name,
                remedy="Move the start value into the range, or widen the range",
            )


@dataclass(frozen=True)
class Tie:
    """How a role follows a parameter: ``role = times * (factor * parameter + offset)``.

    Attributes
    ----------
    also
        Further parameters with their factors that are added: the weaker line of a doublet with a
        free splitting lies at ``centre + 1 * splitting``.
    times
        A parameter that multiplies all this: the weaker line of a doublet with a free ratio has ``ratio * area``.
        Such a tie is not linear, and models that have one are fitted spectrum by spectrum.
    """

    parameter: str
    factor: float = 1.0
    offset: float = 0.0
    also: tuple[tuple[str, float], ...] = ()
    times: str = ""

    def terms(self) -> tuple[tuple[str, float], ...]:
        """Return every parameter that is added, with its factor."""
        return ((self.parameter, self.factor), *self.also)

    def names(self) -> tuple[str, ...]:
        """Return every parameter that takes part.

        Examples
        --------
        >>> Tie("area", times="ratio").names()
        ('area', 'ratio')
        """
        return (*(name for name, _ in self.terms()), *([self.times] if self.times else []))

    def scaled(self, factor: float, offset: float = 0.0) -> Tie:
        """Return the tie of ``factor * role + offset``.

        Raises
        ------
        InputError
            For an offset on a product of two parameters.
        """
        if self.times and offset:
            raise InputError(
                f"an offset cannot be added to {self.times!r} times {self.parameter!r}",
                where=self.parameter,
                remedy="Follow a number that is no product, or leave out the offset",
            )
        also = tuple((name, factor * one) for name, one in self.also)
        return Tie(self.parameter, factor * self.factor, factor * self.offset + offset, also, self.times)

    def multiplied(self, by: str) -> Tie:
        """Return the tie of ``by * role``.

        Raises
        ------
        InputError
            For a role that is a product already.
        """
        if self.times:
            raise InputError(
                f"{self.parameter!r} is multiplied by {self.times!r} already",
                where=by,
                remedy="Fix one of the two ratios",
            )
        return Tie(self.parameter, self.factor, self.offset, self.also, by)


@dataclass(frozen=True)
class Component:
    """One peak of a model: a shape, and a tie for its area and each role of the shape."""

    name: str
    shape: str
    area: Tie
    roles: Mapping[str, Tie]
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Model:
    """Parameters and the components that use them.

    Raises
    ------
    InputError
        For a repeated name, a tie to an unknown parameter or a role that is missing.
    """

    parameters: tuple[Parameter, ...]
    components: tuple[Component, ...]

    def __post_init__(self) -> None:
        for kind, names in (
            ("parameter", [p.name for p in self.parameters]),
            ("component", [c.name for c in self.components]),
        ):
            repeated = {name for name in names if names.count(name) > 1}
            if repeated:
                raise InputError(f"{kind} {sorted(repeated)[0]!r} appears twice", remedy="Give each its own name")
        known = {p.name for p in self.parameters}
        for component in self.components:
            missing = set(shape(component.shape).roles) ^ set(component.roles)
            if missing:
                raise InputError(
                    f"component {component.name!r} of shape {component.shape!r} has roles "
                    f"{sorted(component.roles)}, and needs {list(shape(component.shape).roles)}",
                    where=component.name,
                    remedy="Give one tie for each role of the shape",
                )
            for tie in (component.area, *component.roles.values()):
                unknown = [name for name in tie.names() if name not in known]
                if unknown:
                    raise InputError(
                        f"component {component.name!r} follows the unknown parameter {unknown[0]!r}",
                        where=component.name,
                        remedy=f"Parameters are {', '.join(sorted(known))}",
                    )


class BoundModel:
    r"""A model on the points of one spectrum, over a background: what the solver needs.

    The background is fixed, or its end levels give way to the tails that the peaks have there:

    .. math:: B(p) = B_0 - \sum_k S_k\,[T_k(p) - t_k], \qquad S_k = \partial B / \partial b_k

    with the mean :math:`T_k` of the peaks' sum over the points that made each end level. The derivatives
    take part in it, so that the covariance knows that a higher tail lowers the background.

    Parameters
    ----------
    model
        The table of components.
    x
        Axis, shape (n,).
    base
        Background :math:`B_0`, shape (n,).
    sensitivity, tails
        :math:`S`, shape (2, n), and the tails :math:`t` that `base` allows for, shape (2,).
    ends
        Axis values of the points whose mean is the lower and the upper end level; by default the
        first and the last of `x`.
    """

    def __init__(
        self,
        model: Model,
        x: Array,
        base: Array,
        sensitivity: Array | None = None,
        tails: Array | None = None,
        ends: tuple[Array, Array] | None = None,
    ) -> None:
        self.model = model
        self.x = x
        low, high = (x[:1], x[-1:]) if ends is None else ends
        self.ends = (low, high)
        self._grid = x if sensitivity is None else np.concatenate([x, low, high])
        self._low, self._high = slice(x.size, x.size + low.size), slice(x.size + low.size, None)
        self.base = base
        self.sensitivity = sensitivity
        self.tails = np.zeros(2) if tails is None else tails
        self.parameters = model.parameters
        self._index = {p.name: i for i, p in enumerate(model.parameters)}
        self._shapes: tuple[Shape, ...] = tuple(shape(c.shape) for c in model.components)

    def roles(self, index: int, values: Array) -> tuple[float, tuple[float, ...]]:
        """Return the area and the shape's roles of one component."""
        component = self.model.components[index]
        numbers = tuple(self._value(component.roles[role], values) for role in self._shapes[index].roles)
        return self._value(component.area, values), numbers

    def _value(self, tie: Tie, values: Array) -> float:
        return self._sum(tie, values) * self._times(tie, values)

    def _sum(self, tie: Tie, values: Array) -> float:
        return sum(factor * float(values[self._index[name]]) for name, factor in tie.terms()) + tie.offset

    def _times(self, tie: Tie, values: Array) -> float:
        return float(values[self._index[tie.times]]) if tie.times else 1.0

    def _add(self, out: Array, tie: Tie, amount: Array | float, values: Array) -> None:
        """Add a derivative by a role to the columns (last axis) of the parameters it follows."""
        times = self._times(tie, values)
        for name, factor in tie.terms():
            out[..., self._index[name]] += factor * times * amount
        if tie.times:
            out[..., self._index[tie.times]] += self._sum(tie, values) * amount

    def contributions(self, values: Array) -> Array:
        """Return each component on the axis, shape (components, n)."""
        return self._contributions(self.x, values)

    def _contributions(self, x: Array, values: Array) -> Array:
        out = np.empty((len(self._shapes), x.size))
        for index, one in enumerate(self._shapes):
            area, roles = self.roles(index, values)
            out[index] = area * one.evaluate(x, *roles)
        return out

    def end_tails(self, values: Array) -> Array:
        """Return the mean of the peaks' sum over the points of each end level, shape (2,)."""
        return self._end_means(self._contributions(self._grid, values).sum(axis=0))

    def _end_means(self, on_grid: Array) -> Array:
        if self.sensitivity is None:
            return on_grid[..., [0, -1]]
        low, high = on_grid[..., self._low].mean(axis=-1), on_grid[..., self._high].mean(axis=-1)
        return np.stack([low, high], axis=-1)

    def evaluate(self, values: Array) -> Array:
        """Return the model, shape (n,): background plus all components."""
        on_grid: Array = self._contributions(self._grid, values).sum(axis=0)
        return self._under(on_grid) + on_grid[: self.x.size]

    def background(self, values: Array) -> Array:
        """Return the background that belongs to these parameters, shape (n,)."""
        if self.sensitivity is None:
            return self.base
        return self._under(self._contributions(self._grid, values).sum(axis=0))

    def _under(self, on_grid: Array) -> Array:
        if self.sensitivity is None:
            return self.base
        out: Array = self.base - (self._end_means(on_grid) - self.tails) @ self.sensitivity
        return out

    def jacobian(self, values: Array) -> Array:
        """Return the derivatives of the model by every parameter, shape (n, parameters)."""
        out = np.zeros((self._grid.size, len(self.parameters)))
        for index, one in enumerate(self._shapes):
            component = self.model.components[index]
            area, roles = self.roles(index, values)
            rows = one.derivatives(self._grid, *roles)
            self._add(out, component.area, rows[0], values)
            for row, role in zip(rows[1:], one.roles, strict=True):
                self._add(out, component.roles[role], area * row, values)
        inside = out[: self.x.size]
        if self.sensitivity is None:
            return inside
        following: Array = inside - self.sensitivity.T @ self._end_means(out.T).T
        return following

    def gradient(self, index: int, what: str, values: Array) -> tuple[float, Array]:
        """Return a property of one component and its gradient over all parameters.

        Parameters
        ----------
        index
            Component.
        what
            ``area``, ``center``, ``fwhm`` or ``height``.
        values
            Parameter values.
        """
        component, one = self.model.components[index], self._shapes[index]
        area, roles = self.roles(index, values)
        out = np.zeros(len(self.parameters))
        if what == "area":
            self._add(out, component.area, 1.0, values)
            return area, out
        if what == "center":
            self._add(out, component.roles["center"], 1.0, values)
            return roles[one.roles.index("center")], out
        number, slopes = one.width(*roles) if what == "fwhm" else one.height(*roles)
        scale = 1.0 if what == "fwhm" else area
        for slope, role in zip(slopes, one.roles, strict=True):
            self._add(out, component.roles[role], scale * float(slope), values)
        if what == "height":
            self._add(out, component.area, float(number), values)
        return scale * float(number), out

    def area_columns(self, values: Array) -> dict[int, Array]:
        """Return for each free area (its position) the sum of its components at area one, shape (n,).

        Areas that are tied with an offset or to several parameters are left out.
        """
        columns: dict[int, Array] = {}
        for index, one in enumerate(self._shapes):
            component = self.model.components[index]
            position = self._index[component.area.parameter]
            if not self.parameters[position].vary or component.area.offset or component.area.also:
                continue
            _, roles = self.roles(index, values)
            profile = component.area.factor * self._times(component.area, values) * one.evaluate(self.x, *roles)
            columns[position] = columns.get(position, np.zeros(self.x.size)) + profile
        return columns

    def start(self, values: Array, y: Array, sigma: Array) -> Array:
        """Return `values` with the area parameters set by non-negative least squares on `y`."""
        columns = self.area_columns(values)
        out = np.array(values, dtype=np.float64)
        if not columns:
            return out
        matrix = np.stack(list(columns.values()), axis=1) / sigma[:, None]
        areas, _ = nnls(matrix, (y - self.base) / sigma)
        for position, area in zip(columns, areas, strict=True):
            one_parameter = self.parameters[position]
            out[position] = np.clip(area, one_parameter.low, one_parameter.high)
        return out
