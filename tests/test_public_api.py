"""The public names, spelled out: a change here is a change of the contract."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import surfspec as ss

TOP = {
    "SurfspecError", "__version__", "bundle", "check", "fitting", "io", "joint", "leis", "load", "plot", "read",
    "read_tree", "reference", "run", "save", "spectrum", "stack", "summary", "write", "xps", "xrd",
}  # fmt: skip
XPS = {
    "Advice", "AreaRatio", "Background", "CasaFit", "CasaRecipe", "ChargeReference", "Doublet", "GlobalFit",
    "GlobalRecipe", "Link", "Multiplet", "MultipletLine", "Peak", "Range", "Recipe", "advice_table", "advise",
    "auger_parameter", "bootstrap", "casa_report", "casa_table", "charge_correct", "charge_correct_each", "choose",
    "compare", "fit", "fit_global", "from_casa", "inelastic_mean_free_path", "load_global_recipe", "load_recipe",
    "normalise", "quantify", "rebuild_casa", "recipe_names", "solve", "start_values", "state_fraction", "thickness",
    "to_casa", "undo_charge_correction", "write_casa_fit",
}  # fmt: skip
LEIS = {"Recipe", "fit", "elastic_energy", "cross_section", "normalise", "coverage", "detect"}
XRD = {"Recipe", "Phase", "phases", "read_cif", "pattern", "find_peaks", "match", "quantify"}


def test_top_level() -> None:
    assert set(dir(ss)) == TOP
    assert all(getattr(ss, name) is not None for name in TOP)


def test_techniques() -> None:
    assert set(ss.xps.__all__) == XPS
    assert set(ss.leis.__all__) >= LEIS
    assert set(ss.xrd.__all__) >= XRD


@pytest.mark.parametrize("module", ["xps", "leis", "xrd", "fitting", "io"])
def test_public_names_are_what_they_are_called(module: str) -> None:
    """A function of the same name as its module must not be hidden by the module."""
    face = getattr(ss, module)
    for name in face.__all__:
        assert not inspect.ismodule(getattr(face, name)), f"{module}.{name} is a module"


@pytest.mark.parametrize("module", ["xps", "leis", "xrd"])
def test_public_functions_are_documented_and_typed(module: str) -> None:
    face = getattr(ss, module)
    for name in face.__all__:
        thing = getattr(face, name)
        assert inspect.getdoc(thing), f"{module}.{name} has no docstring"
        if inspect.isfunction(thing):
            assert "return" in thing.__annotations__, f"{module}.{name} has no return type"
            assert ">>>" in (inspect.getdoc(thing) or ""), f"{module}.{name} has no example"


def test_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(AttributeError, match="public names"):
        ss.fitt  # noqa: B018


def test_the_import_is_light() -> None:
    code = (
        "import sys, surfspec; heavy = {'numpy', 'scipy', 'lmfit', 'xarray', 'matplotlib', 'gemmi', 'h5py', 'yaml'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
