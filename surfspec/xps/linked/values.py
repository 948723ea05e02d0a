"""Numbers of a global fit in terms of common parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Value:
    """A number in terms of common parameters: ``const + sum(linear) + sum(products)``.

    Examples
    --------
    >>> Value(linear={"w": 1.0}).scaled(1.1, 0.2)
    Value(const=0.2, linear={'w': 1.1}, products={})
    >>> Value(const=2.0, linear={"w": 1.0}).times("f")
    Value(const=0.0, linear={'f': 2.0}, products={('f', 'w'): 1.0})
    """

    const: float = 0.0
    linear: Mapping[str, float] = field(default_factory=dict)
    products: Mapping[tuple[str, str], float] = field(default_factory=dict)

    def scaled(self, factor: float, offset: float = 0.0) -> Value:
        """Return ``factor * value + offset``."""
        return Value(
            factor * self.const + offset,
            {name: factor * one for name, one in self.linear.items()},
            {pair: factor * one for pair, one in self.products.items()},
        )

    def plus(self, name: str) -> Value:
        """Return the value plus a common parameter."""
        return replace(self, linear={**self.linear, name: self.linear.get(name, 0.0) + 1.0})

    def times(self, name: str) -> Value:
        """Return a common parameter times the value, which has no products itself."""
        linear = {name: self.const} if self.const else {}
        return Value(0.0, linear, {(name, other): one for other, one in self.linear.items()})

    def names(self) -> set[str]:
        """Return the common parameters that take part."""
        return set(self.linear) | {name for pair in self.products for name in pair}
