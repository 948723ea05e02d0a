"""Sphinx configuration: pages are executed when they are built."""

from surfspec import __version__

project = "surfspec"
author = "the surfspec developers"
copyright = "2026, the surfspec developers"
version = release = __version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode", "sphinx.ext.mathjax"]
exclude_patterns = ["_build", "jupyter_execute"]
myst_enable_extensions = ["dollarmath", "colon_fence"]
nb_execution_mode = "cache"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
autodoc_typehints = "description"
napoleon_numpy_docstring = True
html_theme = "furo"
html_title = f"surfspec {version}"
