"""The command line: words in, exit code out. What each command does lives in `surfspec.commands`, loaded on use."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import re
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn, TextIO

from surfspec._version import __version__
from surfspec.errors import RecipeError, SurfspecError

OK, CHECK, BAD_INPUT, INTERNAL, INTERRUPTED = 0, 1, 2, 70, 130

_EPILOG = """exit codes: 0 every verdict is ok; 1 something needs checking or failed; 2 bad usage or bad input;
70 a fault of surfspec itself; 130 interrupted. Results go to standard output, progress to standard error; on an error
standard output stays empty, with --json too."""

#: Where the commands live: loaded only when a command runs, so that --help stays light.
_COMMANDS = {
    "info": ("surfspec.commands", "info"),
    "fit": ("surfspec.commands", "fit"),
    "identify": ("surfspec.xrd_commands", "identify"),
    "refine": ("surfspec.xrd_commands", "refine"),
    "pattern": ("surfspec.xrd_commands", "pattern"),
    "run": ("surfspec.commands", "run"),
    "demo": ("surfspec.commands", "demo"),
    "convert": ("surfspec.commands", "convert"),
    "phases": ("surfspec.xrd_commands", "phases"),
    "recipes": ("surfspec.commands", "recipes_command"),
}


#: Keywords of Python that errors name and that are options here.
_OPTION = re.compile(r"\b(technique|axis|units|decimal|wavelength|elements|phases)=(?=['\"])")


class _UsageError(SurfspecError):
    """A command line that cannot be understood."""


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line with a remedy."""

    def error(self, message: str) -> NoReturn:
        raise _UsageError(message, remedy=f"See '{self.prog} --help'")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Parameters
    ----------
    argv
        Words after ``surfspec``; by default those of the process.

    Returns
    -------
    int
        0 every verdict ok, 1 something needs checking or failed, 2 bad usage or bad input, 130 interrupted,
        70 a fault of surfspec itself (``SURFSPEC_DEBUG=1`` shows its traceback).

    Examples
    --------
    >>> main(["--version"])
    surfspec ...
    0
    """
    try:
        return _run(sys.argv[1:] if argv is None else argv)
    except SystemExit as stop:  # argparse leaves this way after --help and --version
        return int(stop.code or 0)
    except BrokenPipeError:
        _into_nothing(sys.stdout)
        return OK
    except (SurfspecError, OSError) as error:
        for line in _lines(error):
            _complain(line)
        return BAD_INPUT
    except KeyboardInterrupt:
        _complain("interrupted, nothing was written.")
        return INTERRUPTED
    except Exception as error:
        if os.environ.get("SURFSPEC_DEBUG"):
            raise
        _complain(
            f"internal error: {type(error).__name__}: {str(error)[:300]}. "
            "This is a fault of surfspec; set SURFSPEC_DEBUG=1 to see where, and report it."
        )
        return INTERNAL


def _lines(error: SurfspecError | OSError) -> Sequence[str]:
    """Return what to say of bad input: one line, or one for each fault of a recipe."""
    if isinstance(error, RecipeError):
        return error.problems or (str(error),)
    if isinstance(error, SurfspecError):
        return (_OPTION.sub(r"--\1 ", str(error)),)
    place = f"{error.filename}: " if error.filename else ""
    return (f"{place}{error.strerror or error}. Check the path, its permissions and the free space.",)


def _run(argv: Sequence[str]) -> int:
    parser = build_parser()
    arguments = parser.parse_args(list(argv))
    if arguments.command is None:
        parser.error("no command")
    module, name = _COMMANDS[arguments.command]
    command = getattr(importlib.import_module(module), name)
    answer = command(arguments, _silent if arguments.quiet else _tell)
    as_json = json.dumps(answer.document, indent=2, ensure_ascii=False, allow_nan=False) if arguments.json else ""
    try:
        print(as_json or answer.text, flush=True)
    except BrokenPipeError:
        _into_nothing(sys.stdout)  # the reader went away; what was found stays what it is
    return OK if answer.verdict == "ok" else CHECK


def _into_nothing(stream: TextIO) -> None:
    """Send a stream whose reader went away (`| head`) into nothing, so that Python can flush it at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _tell(text: str) -> None:
    """Print a line of progress on standard error; a reader that went away stops no run."""
    try:
        print(f"surfspec: {text}", file=sys.stderr, flush=True)
    except BrokenPipeError:
        _into_nothing(sys.stderr)


def _silent(_: str) -> None:
    """Print nothing."""


def _complain(text: str) -> None:
    """Print one line on standard error."""
    line = " ".join(text.split())
    print(f"surfspec: {line}{'' if line.endswith(('.', '?', '!')) else '.'}", file=sys.stderr)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = _Parser(
        prog="surfspec",
        description="Read, fit and explain XPS core levels, LEIS energy spectra and powder XRD patterns.",
        epilog=_EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"surfspec {__version__}")
    common = _Parser(add_help=False)
    common.add_argument("--json", action="store_true", help="print one JSON document on standard output, nothing else")
    common.add_argument("--quiet", action="store_true", help="no progress on standard error")
    reading = _reading_options()
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)

    def command(name: str, about: str, *more: _Parser) -> argparse.ArgumentParser:
        description = about[0].upper() + about[1:] + "."
        return commands.add_parser(name, help=about, description=description, parents=[common, *more])

    info = command("info", "say what a file holds", reading)
    info.add_argument("files", nargs="+", metavar="FILE")

    fit = command("fit", "fit spectra with a recipe", reading)
    fit.add_argument("files", nargs="+", metavar="FILE")
    fit.add_argument("--recipe", required=True, metavar="NAME|FILE", help="a shipped recipe ('Zr 3d') or a YAML file")
    fit.add_argument(
        "--shift-search",
        type=float,
        metavar="EV",
        help="XPS: widest shift of the energy scale to search for, in eV (a charged sample); by default the recipe's",
    )
    fit.add_argument(
        "--energy-shift", type=float, metavar="EV", help="XPS: known shift of the energy scale; none is searched"
    )
    fit.add_argument("--start-only", action="store_true", help="XPS: fit nothing, show where the fit would begin")
    fit.add_argument("--figure", metavar="FILE.png", help="draw the result over the data (.png, .svg, .pdf; one FILE)")
    fit.add_argument("-o", "--output", metavar="FILE.nc", help="save data and fits")
    fit.add_argument("--force", action="store_true", help="replace existing files")

    _diffraction_commands(command, reading)

    run = command("run", "run a study file: read, fit, conclude, save, draw, report")
    run.add_argument("study", metavar="STUDY.yaml")
    _output_options(run, required=True)

    demo = command("demo", "run the shipped simulated study")
    _output_options(demo, required=False)

    convert = command("convert", "convert a file of spectra into another format", reading)
    convert.add_argument("source", metavar="IN")
    convert.add_argument(
        "target",
        metavar="OUT",
        help="the ending names the format: .csv, .vms, .nc; {region} in the name makes one file each",
    )
    convert.add_argument("--force", action="store_true", help="replace an existing file")

    command("recipes", "list the shipped recipes")
    return parser


def _diffraction_commands(command: Callable[..., argparse.ArgumentParser], reading: _Parser) -> None:
    """Add the commands of powder diffraction."""
    about = {
        "identify": "find the phases of powder patterns",
        "refine": "refine cells and amounts of phases in powder patterns",
    }
    for name, text in about.items():
        one = command(name, text, reading)
        one.add_argument("files", nargs="+", metavar="PATTERN")
        one.add_argument(
            "--wavelength",
            metavar="NAME|ANGSTROM",
            help="CuKa, CoKa, ... (CuKa1 only behind a Ge monochromator) or a number in angstrom",
        )
        one.add_argument("--elements", metavar="Na,Zr,...", help="only phases made of these elements")
        one.add_argument("--phases", metavar="NAME,...", help="only these phases, or CIF files")
        if name == "identify":
            one.add_argument("--never", metavar="NAME,...", help="phases that cannot be there")
            one.add_argument("--must", metavar="NAME,...", help="phases that are known to be there")
        one.add_argument("--figure", metavar="FILE.png", help="draw the result (.png, .svg, .pdf; one PATTERN)")
        one.add_argument("--scale", choices=["linear", "sqrt", "log"], default="sqrt", help="intensity in the figure")
        one.add_argument("-o", "--output", metavar="FILE.nc", help="save patterns and results")
        one.add_argument("--force", action="store_true", help="replace existing files")

    pattern = command("pattern", "list the lines that phases would have")
    pattern.add_argument("phases", nargs="+", metavar="PHASE", help="ids, names or formulas of cards, or CIF files")
    pattern.add_argument("--wavelength", metavar="NAME|ANGSTROM", default="CuKa1", help="default: %(default)s")
    pattern.add_argument("--two-theta", metavar="LOW,HIGH", default="10,80", help="degrees, default: %(default)s")
    pattern.add_argument(
        "--least", type=float, metavar="PERCENT", default=1.0, help="weakest line, default: %(default)s"
    )
    pattern.add_argument("--figure", metavar="FILE.png", help="draw the patterns (.png, .svg, .pdf)")
    pattern.add_argument("--force", action="store_true", help="replace an existing file")

    phases = command("phases", "list the phases that surfspec knows")
    phases.add_argument("--elements", metavar="Na,Zr,...", help="only phases made of these elements")
    phases.add_argument("--folder", metavar="DIR", help="your own cards and CIF files instead of the shipped ones")


def _reading_options() -> _Parser:
    """Return the options for what a file does not say; their names are the keywords of surfspec.read."""
    reading = _Parser(add_help=False)
    group = reading.add_argument_group("where the file does not say")
    group.add_argument("--technique", choices=["XPS", "LEIS", "XRD"], type=str.upper, help="what was measured")
    group.add_argument("--axis", choices=["binding_energy", "kinetic_energy", "two_theta"], help="what the axis is")
    group.add_argument("--units", choices=["counts", "counts/s", "nA", "arb. units"], help="unit of the intensity")
    group.add_argument("--decimal", choices=[".", ","], help="decimal sign of a text table")
    return reading


def _output_options(parser: argparse.ArgumentParser, *, required: bool) -> None:
    parser.add_argument(
        "-o",
        "--output",
        metavar="DIR",
        required=required,
        default=None if required else "surfspec-demo",
        help="folder for study.nc, tables, figures, report.html and results.json"
        + ("" if required else " (default: %(default)s)"),
    )
    parser.add_argument("--force", action="store_true", help="write into a folder that holds other files; they stay")


if __name__ == "__main__":
    sys.exit(main())
