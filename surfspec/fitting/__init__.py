"""Fitting core: line shapes, backgrounds, a model as a table, one solver, an honest verdict."""

from surfspec.fitting.backgrounds import Background, background
from surfspec.fitting.batch import solve_batch
from surfspec.fitting.lineshapes import SHAPES, Shape, shape
from surfspec.fitting.model import BoundModel, Component, Model, Parameter, Tie
from surfspec.fitting.scale import fit_in_chunks
from surfspec.fitting.shared import fit_shared
from surfspec.fitting.solver import Problem, Solution, solve, to_lmfit
from surfspec.fitting.verdict import REASONS, judge

__all__ = [
    "REASONS",
    "SHAPES",
    "Background",
    "BoundModel",
    "Component",
    "Model",
    "Parameter",
    "Problem",
    "Shape",
    "Solution",
    "Tie",
    "background",
    "fit_in_chunks",
    "fit_shared",
    "judge",
    "shape",
    "solve",
    "solve_batch",
    "to_lmfit",
]
