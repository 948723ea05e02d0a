"""Fitting core: line shapes, backgrounds, a model as a table, one solver, an honest verdict."""

from surfspec.fitting.backgrounds import Background, background
from surfspec.fitting.lineshapes import SHAPES, Shape, shape
from surfspec.fitting.model import BoundModel, Component, Model, Parameter, Tie
from surfspec.fitting.solver import Problem, Solution, solve
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
    "judge",
    "shape",
    "solve",
]
