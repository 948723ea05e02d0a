"""A peak model as a frozen table of components; no expressions, no hidden state.

Every role of a component (its area, centre, widths) is tied to one parameter by
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
    """

    name: str
    value: float
    low: float = -np.inf
    high: float = np.inf
    vary: bool = True
    unit: str = "1"
    natural_low: bool = False

    def __post_init__(self) -> None:
        if not self.low <= self.value <= self.high:
            raise InputError(
                f"start value {self.value:g} of {self.name!r} lies outside {self.low:g} to {self.high:g}",
                where=self.name,
                remedy="Move the start value into the range, or widen the range",
            )


@dataclass(frozen=True)
class Tie:
    """How a role follows a parameter: ``role = factor * parameter + offset``."""

    parameter: str
    factor: float = 1.0
    offset: float = 0.0


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
                if tie.parameter not in known:
                    raise InputError(
                        f"component {component.name!r} follows the unknown parameter {tie.parameter!r}",
                        where=component.name,
                        remedy=f"Parameters are {', '.join(sorted(known))}",
                    )


class BoundModel:
    """A model on the points of one spectrum, over a fixed background: what the solver needs.

    Parameters
    ----------
    model
        The table of components.
    x
        Axis, shape (n,).
    base
        Background that stays fixed in the fit, shape (n,).
    """

    def __init__(self, model: Model, x: Array, base: Array) -> None:
        self.model = model
        self.x = x
        self.base = base
        self.parameters = model.parameters
        self._index = {p.name: i for i, p in enumerate(model.parameters)}
        self._shapes: tuple[Shape, ...] = tuple(shape(c.shape) for c in model.components)

    def roles(self, index: int, values: Array) -> tuple[float, tuple[float, ...]]:
        """Return the area and the shape's roles of one component."""
        component = self.model.components[index]
        numbers = tuple(self._value(component.roles[role], values) for role in self._shapes[index].roles)
        return self._value(component.area, values), numbers

    def _value(self, tie: Tie, values: Array) -> float:
        return tie.factor * float(values[self._index[tie.parameter]]) + tie.offset

    def contributions(self, values: Array) -> Array:
        """Return each component on the axis, shape (components, n)."""
        out = np.empty((len(self._shapes), self.x.size))
        for index, one in enumerate(self._shapes):
            area, roles = self.roles(index, values)
            out[index] = area * one.evaluate(self.x, *roles)
        return out

    def evaluate(self, values: Array) -> Array:
        """Return the model, shape (n,): background plus all components."""
        total: Array = self.base + self.contributions(values).sum(axis=0)
        return total

    def jacobian(self, values: Array) -> Array:
        """Return the derivatives of the model by every parameter, shape (n, parameters)."""
        out = np.zeros((self.x.size, len(self.parameters)))
        for index, one in enumerate(self._shapes):
            component = self.model.components[index]
            area, roles = self.roles(index, values)
            rows = one.derivatives(self.x, *roles)
            out[:, self._index[component.area.parameter]] += component.area.factor * rows[0]
            for row, role in zip(rows[1:], one.roles, strict=True):
                tie = component.roles[role]
                out[:, self._index[tie.parameter]] += area * tie.factor * row
        return out

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
            out[self._index[component.area.parameter]] = component.area.factor
            return area, out
        if what == "center":
            tie = component.roles["center"]
            out[self._index[tie.parameter]] = tie.factor
            return roles[one.roles.index("center")], out
        number, slopes = one.width(*roles) if what == "fwhm" else one.height(*roles)
        scale = 1.0 if what == "fwhm" else area
        for slope, role in zip(slopes, one.roles, strict=True):
            tie = component.roles[role]
            out[self._index[tie.parameter]] += scale * tie.factor * float(slope)
        if what == "height":
            out[self._index[component.area.parameter]] += number * component.area.factor
        return scale * float(number), out

    def start(self, values: Array, y: Array, sigma: Array) -> Array:
        """Return `values` with the area parameters set by non-negative least squares on `y`."""
        columns: dict[int, Array] = {}
        for index, one in enumerate(self._shapes):
            component = self.model.components[index]
            position = self._index[component.area.parameter]
            if not self.parameters[position].vary or component.area.offset:
                continue
            _, roles = self.roles(index, values)
            profile = component.area.factor * one.evaluate(self.x, *roles)
            columns[position] = columns.get(position, np.zeros(self.x.size)) + profile
        out = np.array(values, dtype=np.float64)
        if not columns:
            return out
        matrix = np.stack(list(columns.values()), axis=1) / sigma[:, None]
        areas, _ = nnls(matrix, (y - self.base) / sigma)
        for position, area in zip(columns, areas, strict=True):
            one_parameter = self.parameters[position]
            out[position] = np.clip(area, one_parameter.low, one_parameter.high)
        return out
