"""Run every benchmark: ``python -m benchmarks [--json] [--quick] [WORD ...]``."""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import sys
from contextlib import redirect_stdout
from dataclasses import asdict
from io import StringIO
from pathlib import Path

from benchmarks.measure import Row


def collect(quick: bool, words: list[str]) -> list[Row]:
    """Rows of every ``bench_*`` module whose name holds one of the words (all of them without words)."""
    found: list[Row] = []
    for module in sorted(m.name for m in pkgutil.iter_modules([str(Path(__file__).parent)])):
        if module.startswith("bench_") and (not words or any(w in module for w in words)):
            print(f"{module} ...", file=sys.stderr)
            with redirect_stdout(StringIO()):  # peers print; standard output is ours
                found += importlib.import_module(f"benchmarks.{module}").rows(quick)
    return found


def main(arguments: list[str] | None = None) -> int:
    """Print the rows; 0 where every goal is met or unmeasured, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("words", nargs="*", metavar="WORD", help="run only modules whose name holds a word")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    options = parser.parse_args(arguments)
    rows = collect(options.quick, options.words)
    if options.json:
        print(json.dumps([asdict(r) for r in rows], indent=1))
    else:
        for r in rows:
            value = "not installed" if r.ratio is None else f"{r.ratio:.3g}"
            mark = {True: "ok", False: "SHORT", None: "-"}[r.ok]
            print(f"{r.name:<72} {value:>14} {r.unit:<14} goal {r.goal:<8g} {mark}")
    return 1 if any(r.ok is False for r in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
