"""YAML text into nodes, by a restricted reading of YAML that holds no surprises.

No anchors, aliases, merge keys, tags, directives or duplicate keys; at most 1 MB, 20 000 nodes and 40 levels.
Plain scalars follow the core schema of YAML 1.2.2 (10.3.2), decimal only: ``1e16`` is a number, ``010`` is ten,
``no`` and ``On`` are text. The events of PyYAML's parser are read in a loop, so that no depth exhausts the stack.
"""

from __future__ import annotations

import re
from typing import Any, Final

import yaml

from surfspec.recipes.nodes import MAX_DEPTH, MAX_NODES, Broken, Items, Node, Pairs, Scalar, ScalarValue

#: Largest recipe, in bytes of UTF-8.
MAX_BYTES: Final = 1_000_000

INTEGER: Final = re.compile(r"[-+]?[0-9]+")
FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
BOOLEANS: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
#: Integers beyond this many characters are read as floats: no quantity needs them, and reading them takes long.
_INTEGER_LENGTH: Final = 300


def resolve(text: str) -> ScalarValue:
    """Return what a plain scalar means by the core schema of YAML 1.2.

    Parameters
    ----------
    text
        The scalar as it stands in the file, without quotes.

    Returns
    -------
    None, bool, int, float or str
        The value; ``nan`` and ``inf`` stay text, since no recipe may hold them.

    Examples
    --------
    >>> [resolve(word) for word in ("1e16", "010", "no", "true", "~")]
    [1e+16, 10, 'no', True, None]
    """
    if text in NULLS:
        return None
    if text in BOOLEANS:
        return BOOLEANS[text]
    if len(text) <= _INTEGER_LENGTH and INTEGER.fullmatch(text):
        return int(text)
    if FLOAT.fullmatch(text):
        return float(text)
    return text


def parse(text: str, source: str, problems: list[str]) -> Node:
    """Parse YAML text into nodes; every fault is appended to `problems` with its place.

    Parameters
    ----------
    text
        The YAML text.
    source
        Name of the file, for the places ``source:line:column``.
    problems
        List to which faults are appended.

    Returns
    -------
    Node
        The tree; :class:`~surfspec.recipes.nodes.Broken` where nothing could be read.

    Examples
    --------
    >>> problems = []
    >>> node = parse("energy: 182.4", "zr.yaml", problems)
    >>> node.pairs[0][1].value, node.pairs[0][1].where, problems
    (182.4, 'zr.yaml:1:9', [])
    """
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        problems.append(f"{source}: {size} bytes of YAML. A recipe has at most {MAX_BYTES} bytes; split it")
        return Broken(source)
    reader = _fast(text, source)
    if reader is not None:
        return reader.root if reader.root is not None else Broken(source)
    reader = _Reader(source, problems)
    fault = ""
    try:
        _feed(reader, text.removeprefix("\ufeff"), yaml.SafeLoader)
    except yaml.YAMLError as error:
        fault = _syntax_problem(error, source, text)
    except (ValueError, OverflowError) as error:  # PyYAML on escapes such as "\\UFFFFFFFF"
        fault = f"{source}: not valid YAML: {error}. Mend the escape sequence"
    if not fault and not reader.stopped and reader.root is None:
        fault = f"{source}: it is empty. Write the keys of the recipe"
    if fault:
        problems.append(fault)
    return Broken(source) if fault or reader.stopped or reader.root is None else reader.root


def _fast(text: str, source: str) -> _Reader | None:
    """Read by the compiled parser; None where it is not there or finds any fault, which the other one words better."""
    loader = getattr(yaml, "CSafeLoader", None)
    if loader is None:
        return None
    problems: list[str] = []
    reader = _Reader(source, problems)
    try:
        _feed(reader, text.removeprefix("\ufeff"), loader)
    except (yaml.YAMLError, ValueError, OverflowError):
        return None
    return None if problems or reader.stopped or reader.root is None else reader


def _feed(reader: _Reader, text: str, loader_type: Any) -> None:
    """Pass the parser's events to the reader until the text ends or the reader refuses to go on."""
    loader: Any = loader_type(text)
    try:
        while loader.check_event() and not reader.stopped:
            reader.take(loader.get_event())
    finally:
        loader.dispose()


class _Reader:
    """Builds the tree from parser events on a stack of open collections."""

    def __init__(self, source: str, problems: list[str]) -> None:
        self.root: Node | None = None
        self.stopped = False
        self._source = source
        self._problems = problems
        self._open: list[tuple[bool, str, list[Node]]] = []  # is a mapping, place, children
        self._nodes = 0
        self._documents = 0

    def take(self, event: Any) -> None:
        """Take one event; sets `stopped` when reading must not go on."""
        where = self._place(event.start_mark)
        if isinstance(event, yaml.DocumentStartEvent):
            self._document(event, where)
        elif isinstance(event, yaml.CollectionEndEvent):
            is_mapping, start, children = self._open.pop()
            self._add(self._mapping(start, children) if is_mapping else Items(start, tuple(children)))
        elif isinstance(event, yaml.NodeEvent):
            self._node(event, where)

    def _node(self, event: Any, where: str) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES or len(self._open) >= MAX_DEPTH:
            self._stop(f"{where}: larger than any recipe. Use at most {MAX_NODES} values and {MAX_DEPTH} levels")
            return
        self._refuse_marks(event, where)
        if isinstance(event, yaml.AliasEvent):
            self._add(Broken(where))
        elif isinstance(event, yaml.ScalarEvent):
            plain = event.style in (None, "")
            self._add(Scalar(where, resolve(event.value) if plain else event.value, event.value if plain else None))
        else:
            self._open.append((isinstance(event, yaml.MappingStartEvent), where, []))

    def _document(self, event: Any, where: str) -> None:
        self._documents += 1
        if self._documents > 1:
            self._stop(f"{where}: a second document begins. Keep one recipe in one file")
        elif event.tags or event.version:
            self._problems.append(f"{where}: YAML directives are not allowed. Remove the lines that begin with %")

    def _stop(self, problem: str) -> None:
        self._problems.append(problem)
        self.stopped = True

    def _refuse_marks(self, event: Any, where: str) -> None:
        if isinstance(event, yaml.AliasEvent):
            self._problems.append(f"{where}: alias '*{event.anchor}' is not allowed. Write the value out")
        elif event.anchor is not None:
            self._problems.append(f"{where}: anchor '&{event.anchor}' is not allowed. Remove it and write values out")
        tag = getattr(event, "tag", None)
        if tag is not None:
            self._problems.append(f"{where}: tag '{tag}' is not allowed. Remove it; the key says what the value is")

    def _mapping(self, where: str, children: list[Node]) -> Node:
        pairs: list[tuple[Scalar, Node]] = []
        seen: dict[str, str] = {}
        for key, value in zip(children[::2], children[1::2], strict=True):
            if not isinstance(key, Scalar):
                if not isinstance(key, Broken):
                    self._problems.append(f"{key.where}: a key is not a single word. Write 'key: value'")
                continue
            name = str(key.value) if key.text is None else key.text
            if key.text == "<<":
                self._problems.append(f"{key.where}: merge key '<<' is not allowed. Write the values out")
            elif name in seen:
                self._problems.append(
                    f"{key.where}: duplicate key '{name}', first at {seen[name]}. Keep one of the two"
                )
            else:
                seen[name] = key.where
                pairs.append((key, value))
        return Pairs(where, tuple(pairs))

    def _add(self, node: Node) -> None:
        if self._open:
            self._open[-1][2].append(node)
        else:
            self.root = node

    def _place(self, mark: Any) -> str:
        return f"{self._source}:{mark.line + 1}:{mark.column + 1}"


def _syntax_problem(error: yaml.YAMLError, source: str, text: str) -> str:
    """One line for a syntax error, with its place and a remedy."""
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        place = f"{source}:{mark.line + 1}:{mark.column + 1}" if mark else source
        fault = str(error.problem or error.context)
        remedy = "Check colons, brackets, quotes and the indentation there"
        if "\\t" in fault:
            remedy = "Indent with spaces, not with tabs"
        elif "mapping values are not allowed" in fault:
            remedy = "Indent the line like its neighbours, or put text that contains ': ' in quotes"
        return f"{place}: not valid YAML: {fault}. {remedy}"
    position = int(getattr(error, "position", 0))
    before = text[:position]
    place = f"{source}:{before.count(chr(10)) + 1}:{position - before.rfind(chr(10))}"
    return f"{place}: a control character stands in the text. Remove it or save the file as plain UTF-8"
