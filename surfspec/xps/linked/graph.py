"""The links of a global recipe, resolved: every linked parameter in terms of common ones, or every fault of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

import numpy as np

from surfspec.fitting.model import Parameter
from surfspec.xps.linked.links import BETWEEN, ChargeReference, Link, named
from surfspec.xps.linked.values import Value
from surfspec.xps.recipe import Range

#: Sample, region and name of a parameter.
Node = tuple[str, str, str]
#: Parameters of the model of each region.
Tables = Mapping[str, Mapping[str, Parameter]]


@dataclass(frozen=True)
class _Tie:
    target: Node
    factor: Range | float
    offset: Range | float
    link: int


@dataclass
class Graph:
    """Links over samples.

    Attributes
    ----------
    values
        Each linked parameter in terms of common ones; centres under a charge reference are binding energies.
    parameters
        The common parameters by their names.
    faults
        What is wrong, as (place in the recipe, message).
    """

    values: dict[Node, Value] = field(default_factory=dict)
    parameters: dict[str, Parameter] = field(default_factory=dict)
    faults: list[tuple[str, str]] = field(default_factory=list)


def is_center(name: str) -> bool:
    """Say whether a parameter is the place of a peak."""
    return name.endswith(" center")


def resolve(
    tables: Mapping[str, Tables],
    links: Sequence[tuple[int, Link]],
    charge: ChargeReference | None,
    samples: Sequence[str],
) -> Graph:
    """Resolve links over samples.

    Parameters
    ----------
    tables
        For each sample the parameters of each region's model, of those that were not measured too; their ranges are
        kept by what others follow.
    links
        With their numbers in the recipe.
    charge
        The reference, where samples have a common shift.
    samples
        In their order; it does not change the result beyond rounding.

    Returns
    -------
    Graph
        With all faults; the values are complete where there are none.
    """
    maker = _Resolver(tables, charge, sorted(samples))
    for number, link in links:
        maker.add(number, link)
    return maker.finish()


class _Resolver:
    """Collects ties link by link, then follows them to what is free."""

    def __init__(self, tables: Mapping[str, Tables], charge: ChargeReference | None, samples: list[str]) -> None:
        self.tables, self.charge, self.samples = tables, charge, samples
        self.any = next(iter(tables.values()))
        self.graph = Graph()
        self.ties: dict[Node, _Tie] = {}
        self.labels: dict[Node, str] = {}
        self.free: dict[int, tuple[str, str]] = {}
        if charge is not None:
            self._known(named(charge.reference, "reference"), "charge.reference")

    def fault(self, place: str, message: str) -> None:
        if (place, message) not in self.graph.faults:
            self.graph.faults.append((place, message))

    def _known(self, what: tuple[str, str], place: str) -> Parameter | None:
        region, name = what
        if region not in self.any:
            self.fault(place, f"there is no region {region!r}. Regions are {', '.join(self.any)}")
            return None
        table = self.any[region]
        if name not in table:
            near = get_close_matches(name, table, n=1, cutoff=0.4)
            hint = f"Did you mean {near[0]!r}? " if near else ""
            self.fault(place, f"{region!r} has no parameter {name!r}. {hint}It has {', '.join(table)}")
            return None
        return table[name]

    def add(self, number: int, link: Link) -> None:
        """Add the ties of one link, if it is sound."""
        path = f"links[{number}]"
        source = self._known(link.source(), f"{path}.parameter")
        target = self._known(link.target(), f"{path}.{'parameter' if link.follows is None else 'follows'}")
        unknown = [name for name in (*link.samples, *filter(None, [link.of_sample])) if name not in self.samples]
        if unknown:
            key = "samples" if unknown[0] in link.samples else "of_sample"
            self.fault(f"{path}.{key}", f"there is no sample {unknown[0]!r}. Samples are {', '.join(self.samples)}")
        if source is None or target is None or unknown or not self._sound(path, link, source, target):
            return
        self._free_numbers(number, link, source, target)
        scope = [name for name in (sorted(link.samples) or self.samples) if name != link.of_sample]
        if link.over is not None:
            lead: Node = (scope[0], *link.source())
            every = f" [{', '.join(scope)}]" if link.samples else ""
            self.labels[lead] = f"{BETWEEN.join(link.source())}{every}"
            for name in scope[1:]:
                self._tie((name, *link.source()), _Tie(lead, 1.0, 0.0, number))
            self.graph.values.setdefault(lead, Value())
            return
        for name in scope:
            goal: Node = (link.of_sample or name, *link.target())
            self._tie((name, *link.source()), _Tie(goal, link.factor, link.offset, number))

    def _sound(self, path: str, link: Link, source: Parameter, target: Parameter) -> bool:
        if not source.vary and not self._reference(link.source()):
            self.fault(
                f"{path}.parameter",
                f"{link.parameter!r} is fixed in its recipe, there is nothing to link. Give it a range there",
            )
            return False
        if self._reference(link.source()):
            self.fault(f"{path}.parameter", f"{link.parameter!r} is the charge reference, its energy is fixed already")
            return False
        if source.prior is not None and link.over is None and self.charge is not None and is_center(source.name):
            self.fault(
                f"{path}.parameter",
                f"{link.parameter!r} has a prior in its recipe and follows another one under a charge reference. "
                "Give the prior to the offset of the link",
            )
            return False
        if source.unit != target.unit or is_center(source.name) != is_center(target.name):
            self.fault(
                f"{path}.follows",
                f"{link.parameter!r} ({_kind(source)}) cannot follow {link.follows!r} ({_kind(target)}). "
                "Link numbers of one kind",
            )
            return False
        return True

    def _free_numbers(self, number: int, link: Link, source: Parameter, target: Parameter) -> None:
        """Make common parameters of a factor and an offset that are to be found."""
        scope = f" [{', '.join(link.samples)}]" if link.samples else ""
        names = []
        for what, given, unit in (("factor", link.factor, "1"), ("offset", link.offset, source.unit)):
            name = f"{what} of {link.parameter}{scope}"
            if (
                isinstance(given, Range)
                and given.value is not None
                and given.low is not None
                and given.high is not None
            ):
                if name in self.graph.parameters:
                    name = f"{name} ({number})"
                fixed = given.low == given.high
                low, high = (-np.inf, np.inf) if fixed else (given.low, given.high)
                self.graph.parameters[name] = Parameter(
                    name, given.value, low, high, vary=not fixed, unit=unit, prior=_prior(given)
                )
            names.append(name)
        self.free[number] = (names[0], names[1])

    def _reference(self, what: tuple[str, str]) -> bool:
        return self.charge is not None and what == named(self.charge.reference, "reference")

    def _tie(self, node: Node, tie: _Tie) -> None:
        if node in self.ties:
            self.fault(
                f"links[{tie.link}].parameter",
                f"{BETWEEN.join(node[1:])!r} is tied already by links[{self.ties[node].link}]. "
                "Let each parameter follow one thing, and link that",
            )
            return
        self.ties[node] = tie

    def finish(self) -> Graph:
        """Follow every tie to what is free."""
        wanted = [*self.graph.values, *self.ties, *(tie.target for tie in self.ties.values())]
        self.graph.values.clear()
        for node in dict.fromkeys(wanted):
            found = self._value(node, ())
            if found is not None:
                self.graph.values[node] = found
        self._ranges()
        return self.graph

    def _value(self, node: Node, path: tuple[Node, ...]) -> Value | None:
        if node in path:
            circle = " -> ".join(BETWEEN.join(one[1:]) for one in (*path[path.index(node) :], node))
            number = max(self.ties[one].link for one in path[path.index(node) :])
            first = min(circle.split(" -> "))
            self.fault(f"links[{number}]", f"links run in a circle through {first!r}. Let one of them be free")
            return None
        if node not in self.ties:
            return self._root(node)
        tie = self.ties[node]
        value = self._value(tie.target, (*path, node))
        if value is None:
            return None
        factor, offset = self.free.get(tie.link, ("", ""))
        if isinstance(tie.factor, Range):
            if value.products:
                self.fault(f"links[{tie.link}].factor", "a factor to be found times another one. Fix one of the two")
                return None
            value = value.times(factor)
        else:
            value = value.scaled(tie.factor)
        return value.plus(offset) if isinstance(tie.offset, Range) else value.scaled(1.0, tie.offset)

    def _root(self, node: Node) -> Value | None:
        """Return the value of what follows nothing."""
        sample, region, name = node
        parameter = self.tables[sample][region][name]
        moves = self.charge is not None and is_center(name)
        if self._reference((region, name)) and self.charge is not None:
            return Value(const=self.charge.energy)
        if not parameter.vary:
            if not moves:
                links = [t.link for t in self.ties.values() if t.target == node]
                self.fault(
                    f"links[{min(links)}].follows",
                    f"{BETWEEN.join((region, name))!r} is fixed in its recipe. A link needs a free value on one side",
                )
                return None
            return Value(const=parameter.value)
        label = self.labels.get(node, BETWEEN.join(node))
        known = parameter.prior if moves else None  # that of an own parameter stays with the model
        self.graph.parameters.setdefault(label, replace(parameter, name=label, prior=known))
        return Value(linear={label: 1.0})

    def _ranges(self) -> None:
        """Narrow the range of every common parameter to what all that follow it by fixed numbers allow."""
        for node, value in self.graph.values.items():
            if len(value.linear) != 1 or value.products:
                continue
            ((label, factor),) = value.linear.items()
            own = self.tables[node[0]][node[1]][node[2]]
            ends = sorted(((own.low - value.const) / factor, (own.high - value.const) / factor))
            before = self.graph.parameters[label]
            low, high = max(before.low, ends[0]), min(before.high, ends[1])
            if not low < high:
                number = self.ties[node].link if node in self.ties else 0
                self.fault(
                    f"links[{number}]",
                    f"the ranges of {BETWEEN.join(node)!r} and of {label!r} do not overlap. Widen one of them",
                )
                continue
            middle = float(np.clip(before.value, low, high))
            natural = before.natural_low and low == before.low
            self.graph.parameters[label] = replace(before, value=middle, low=low, high=high, natural_low=natural)


def _prior(given: Range) -> tuple[float, float] | None:
    free = given.prior is not None and given.value is not None and given.low != given.high
    return (float(given.value), float(given.prior)) if free and given.value is not None and given.prior else None


def _kind(parameter: Parameter) -> str:
    return "a centre" if is_center(parameter.name) else f"in {parameter.unit}"


def placed(faults: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Yield each fault with its place before it."""
    for place, message in faults:
        yield f"{place}: {message}"
