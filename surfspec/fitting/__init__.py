"""Fitting core: line shapes, backgrounds, a model as a table, one solver, an honest verdict."""

from surfspec.fitting.backgrounds import Background, background
from surfspec.fitting.batch import solve_batch
from surfspec.fitting.likelihood import Interval, profile
from surfspec.fitting.lineshapes import SHAPES, Shape, shape
from surfspec.fitting.model import BoundModel, Component, Model, Parameter, Tie
from surfspec.fitting.progress import ProgressBar
from surfspec.fitting.resampling import Bootstrap, bootstrap
from surfspec.fitting.sampling import Chain, sample
from surfspec.fitting.scale import fit_in_chunks
from surfspec.fitting.shared import fit_shared
from surfspec.fitting.solver import Problem, Solution, solve, to_lmfit
from surfspec.fitting.values_of_fit import values
from surfspec.fitting.verdict import REASONS, judge

__all__ = [
    "REASONS",
    "SHAPES",
    "Background",
    "Bootstrap",
    "BoundModel",
    "Chain",
    "Component",
    "Interval",
    "Model",
    "Parameter",
    "Problem",
    "ProgressBar",
    "Shape",
    "Solution",
    "Tie",
    "background",
    "bootstrap",
    "fit_in_chunks",
    "fit_shared",
    "judge",
    "profile",
    "sample",
    "shape",
    "solve",
    "solve_batch",
    "to_lmfit",
    "values",
]
