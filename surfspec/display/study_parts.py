"""The fits and tables of a saved study as the mappings that pictures of several regions or samples take."""

from __future__ import annotations

import xarray as xr

from surfspec.errors import InputError


def study_fits(tree: xr.DataTree, *, technique: str = "xps") -> dict[str, dict[str, xr.Dataset]]:
    """Return the fits of a saved study by sample and region, in the order of the study; nothing is fitted again.

    Parameters
    ----------
    tree
        What ``surfspec.load("study.nc")`` or ``surfspec.study.run()`` returned.
    technique
        Node below the sample: ``"xps"``.

    Returns
    -------
    dict
        ``{sample: {region: fit}}``; samples without a fit are left out.

    Raises
    ------
    InputError
        When the tree is none, or holds no fit of the technique.

    Examples
    --------
    >>> import xarray as xr
    >>> fit = xr.Dataset({"area": 1.0}, attrs={"kind": "fit"})
    >>> tree = xr.DataTree.from_dict({"/fits/A/xps/Zr 3d": fit, "/fits/A/xps/Na 1s": fit})
    >>> {sample: list(fits) for sample, fits in study_fits(tree).items()}
    {'A': ['Zr 3d', 'Na 1s']}
    """
    found = _parts(tree, "fits", technique)
    if not found:
        raise InputError(
            f"the tree holds no {technique} fit",
            where="study_fits",
            remedy="Pass the tree of surfspec.load('study.nc') or surfspec.study.run(), of a study with that technique",
        )
    return found


def study_tables(tree: xr.DataTree, *, technique: str = "xps") -> dict[str, dict[str, xr.Dataset]]:
    """Return the tables of a saved study by sample and name: ``normalised``, ``composition``.

    Parameters
    ----------
    tree, technique
        As for :func:`study_fits`.
    """
    return _parts(tree, "tables", technique)


def _parts(tree: xr.DataTree, group: str, technique: str) -> dict[str, dict[str, xr.Dataset]]:
    if not isinstance(tree, xr.DataTree):
        raise InputError(
            f"expected a DataTree, got {type(tree).__name__}",
            where="tree",
            remedy="Pass what surfspec.load('study.nc') or surfspec.study.run() returned",
        )
    samples = tree.children.get(group, xr.DataTree()).children
    order = _lines(tree, "samples")
    found = {}
    for sample in sorted(map(str, samples), key=lambda name: _rank(name, order)):
        nodes = samples[sample].children.get(technique, xr.DataTree()).children
        places = [line.removeprefix(f"{technique}/") for line in _lines(tree, f"order_{sample}")]
        names = sorted(map(str, nodes), key=lambda name, places=places: _rank(name, places))  # type: ignore[misc]
        parts = {name: nodes[name].to_dataset(inherit=False) for name in names if nodes[name].has_data}
        if parts:
            found[sample] = parts
    return found


def _lines(tree: xr.DataTree, name: str) -> list[str]:
    return [line for line in str(tree.attrs.get(name, "")).split("\n") if line]


def _rank(name: str, order: list[str]) -> int:
    return order.index(name) if name in order else len(order)
