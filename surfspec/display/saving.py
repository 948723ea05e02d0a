"""Write a figure to files: the same figure gives the same bytes each time."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure

from surfspec.errors import InputError

#: Format -> what would otherwise carry the date into the file.
_METADATA: Final[dict[str, dict[str, Any]]] = {
    "svg": {"Date": None},
    "pdf": {"CreationDate": None, "ModDate": None},
    "png": {},
}

#: matplotlib reads these at the time of writing only and offers no other way to give them.
_SETTINGS: Final[dict[str, Any]] = {
    "svg.hashsalt": "surfspec",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
    "pdf.compression": 6,
}

_LOCK = threading.RLock()


def save_figure(
    fig: Figure, stem: str | Path, formats: Sequence[str] = ("svg", "pdf", "png"), *, dpi: int = 300
) -> list[Path]:
    """Write a figure to ``stem.svg``, ``stem.pdf``, ``stem.png``.

    Vector files carry no date and no random identifiers; letters are outlines in SVG and embedded TrueType in PDF.
    Each file is complete or absent: it is written under another name first.

    Parameters
    ----------
    fig
        Any matplotlib figure.
    stem
        Path without ending; its folder is made where it is missing.
    formats
        Of ``"svg"``, ``"pdf"``, ``"png"``.
    dpi
        Resolution of the PNG.

    Returns
    -------
    list of Path
        The files, in the order of `formats`.

    Raises
    ------
    InputError
        For no figure, an unknown format or a folder that cannot be written to.

    Examples
    --------
    >>> import tempfile, surfspec as ss
    >>> ds = ss.spectrum([280, 285, 290], [10, 40, 12], technique="XPS")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.name for path in ss.display.save_figure(ss.plot(ds), f"{folder}/C1s", ["svg"])]
    ['C1s.svg']
    """
    if not isinstance(fig, Figure):
        raise InputError(
            f"expected a matplotlib Figure, got {type(fig).__name__}",
            where="save_figure",
            remedy="Pass what plot() returned",
        )
    wanted = [formats] if isinstance(formats, str) else list(formats)
    unknown = [name for name in wanted if name not in _METADATA]
    if unknown:
        raise InputError(
            f"unknown format {unknown[0]!r}", where="save_figure", remedy=f"Use some of {', '.join(_METADATA)}"
        )
    paths = [Path(f"{stem}.{name}") for name in wanted]
    with _LOCK:
        settings: Any = mpl.rcParams
        before = {name: settings[name] for name in _SETTINGS}
        settings.update(_SETTINGS)
        try:
            with missing_glyphs_ignored():
                for path, name in zip(paths, wanted, strict=True):
                    _write(fig, path, name, dpi)
        finally:
            settings.update(before)
    return paths


@contextmanager
def missing_glyphs_ignored() -> Iterator[None]:
    """Draw without a warning for each character that no installed font has: a box stands for it in the picture."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from", category=UserWarning)
        yield


def _write(fig: Figure, path: Path, name: str, dpi: int) -> None:
    partial = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            fig.savefig(partial, format=name, dpi=dpi, metadata=_METADATA[name], facecolor="white", transparent=False)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            f"cannot write the figure: {error.strerror or error}",
            where=path,
            remedy="Choose a folder that exists and may be written to",
        ) from error
