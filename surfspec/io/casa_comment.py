"""The comment of a spectrum before it is written again: what the new block says anyhow is taken out of it."""

from __future__ import annotations

import re

import xarray as xr

from surfspec.io.casa_lines import kind_of_line

_BEGIN = "casa info follows"
_KEY = re.compile(r"([a-z][a-z0-9_]*): ?(.*)")
#: Attributes that hold lines of CasaXPS, which are written as such.
_LINES = ("casaxps",)


def cleaned(spectrum: xr.Dataset) -> xr.Dataset:
    r"""Return a spectrum whose comment holds neither the analysis of CasaXPS nor attributes that are written beside it.

    A comment that this package wrote has one line for each attribute, the older comment among them; so the comment
    stays the same however often it is written and read.

    Examples
    --------
    >>> import surfspec as ss
    >>> old = "Casa Info Follows\n0\n0\n0\n0\nregion: C 1s\ncomment: Au foil"
    >>> data = ss.spectrum([1.0, 2.0], [3, 4], technique="XPS", region="C 1s", comment=old)
    >>> cleaned(data).attrs["comment"]
    'Au foil'
    """
    attrs = {key: value for key, value in spectrum.attrs.items() if key not in _LINES}
    lines = _without_analysis(str(attrs.pop("comment", "")).split("\n"))
    kept = []
    for line in lines:
        found = _KEY.fullmatch(line.strip())
        if found is not None and found.group(1) == "comment":
            kept.append(found.group(2))
        elif found is None or found.group(1) not in {*spectrum.attrs, *_LINES}:
            kept.append(line.strip())
    text = " ".join(word for line in kept for word in line.split())
    out = spectrum.copy()
    out.attrs = attrs | ({"comment": text} if text else {})
    return out


def annotation_count(spectrum: xr.Dataset) -> int:
    """Count the annotations of CasaXPS in the comment of a spectrum, which are not written again."""
    return sum(line.lower().startswith("annot") for line in str(spectrum.attrs.get("comment", "")).split("\n"))


def _without_analysis(lines: list[str]) -> list[str]:
    """Leave out all from 'Casa Info Follows' to the last line of the analysis."""
    begin = next((i for i, text in enumerate(lines) if text.strip().lower().startswith(_BEGIN)), None)
    if begin is None:
        return lines
    end = begin + 1
    for i in range(begin + 1, len(lines)):
        text = lines[i].strip()
        if kind_of_line(text) or text.lower().startswith("annot"):
            end = i + 1
        elif text:
            break
    return lines[:begin] + lines[end:]
