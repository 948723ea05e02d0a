"""Simulated twins of published XPS analyses: physics written out independently of the package that is tested.

Nothing here imports surfspec. Line shapes come from the Faddeeva function, backgrounds from a loss function that is
applied to the true lines, areas of films from sums over depth; none of it is the functional form of the usual fit.
"""
