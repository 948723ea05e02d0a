"""Draw and describe any Dataset: ``plot`` and ``summary``, each chosen by the kind.

>>> import surfspec as ss
>>> ds = ss.spectrum([280, 285, 290], [10, 40, 12], technique="XPS", region="C 1s")
>>> print(ss.summary(ds).splitlines()[0])
spectrum · XPS · C 1s
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from surfspec.display.before_after_plot import plot_before_after
    from surfspec.display.changes_plot import plot_changes
    from surfspec.display.choose import plot
    from surfspec.display.comparison_plot import plot_comparison
    from surfspec.display.coverage_plot import plot_coverage
    from surfspec.display.dose_plot import plot_dose
    from surfspec.display.fit_plot import plot_fit
    from surfspec.display.ion_plot import plot_ions
    from surfspec.display.joint_plot import plot_joint
    from surfspec.display.line_tables_plot import plot_background, plot_peaks
    from surfspec.display.map_plot import plot_map
    from surfspec.display.match_plot import plot_match
    from surfspec.display.normalised_plot import plot_normalised
    from surfspec.display.overview_plot import plot_overview
    from surfspec.display.pattern_plot import plot_pattern
    from surfspec.display.periodic_plot import plot_periodic
    from surfspec.display.profile_plot import plot_profile
    from surfspec.display.refinement_plot import plot_refinement
    from surfspec.display.reliability_plot import plot_reliability
    from surfspec.display.saving import save_figure
    from surfspec.display.series_plot import plot_series
    from surfspec.display.spectrum_plot import plot_spectrum
    from surfspec.display.stack_plot import plot_stack
    from surfspec.display.study_parts import study_fits, study_tables
    from surfspec.display.summarise import summary
    from surfspec.display.table_plot import plot_table
    from surfspec.display.text import unit_text, value_text
    from surfspec.display.trend_plot import plot_trend

_HOME = {
    "plot": "choose",
    "plot_background": "line_tables_plot",
    "plot_before_after": "before_after_plot",
    "plot_changes": "changes_plot",
    "plot_comparison": "comparison_plot",
    "plot_coverage": "coverage_plot",
    "plot_dose": "dose_plot",
    "plot_fit": "fit_plot",
    "plot_ions": "ion_plot",
    "plot_joint": "joint_plot",
    "plot_map": "map_plot",
    "plot_match": "match_plot",
    "plot_normalised": "normalised_plot",
    "plot_overview": "overview_plot",
    "plot_pattern": "pattern_plot",
    "plot_peaks": "line_tables_plot",
    "plot_periodic": "periodic_plot",
    "plot_profile": "profile_plot",
    "plot_refinement": "refinement_plot",
    "plot_reliability": "reliability_plot",
    "plot_series": "series_plot",
    "plot_spectrum": "spectrum_plot",
    "plot_stack": "stack_plot",
    "plot_table": "table_plot",
    "plot_trend": "trend_plot",
    "save_figure": "saving",
    "study_fits": "study_parts",
    "study_tables": "study_parts",
    "summary": "summarise",
    "unit_text": "text",
    "value_text": "text",
}

__all__ = [
    "plot",
    "plot_background",
    "plot_before_after",
    "plot_changes",
    "plot_comparison",
    "plot_coverage",
    "plot_dose",
    "plot_fit",
    "plot_ions",
    "plot_joint",
    "plot_map",
    "plot_match",
    "plot_normalised",
    "plot_overview",
    "plot_pattern",
    "plot_peaks",
    "plot_periodic",
    "plot_profile",
    "plot_refinement",
    "plot_reliability",
    "plot_series",
    "plot_spectrum",
    "plot_stack",
    "plot_table",
    "plot_trend",
    "save_figure",
    "study_fits",
    "study_tables",
    "summary",
    "unit_text",
    "value_text",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"surfspec.display.{_HOME[name]}"), name)
    raise AttributeError(f"module 'surfspec.display' has no attribute {name!r}; public names: {', '.join(__all__)}")


def __dir__() -> list[str]:
    return __all__
