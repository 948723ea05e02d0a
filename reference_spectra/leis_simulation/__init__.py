"""Simulated twins of LEIS analyses: stopping by composition, single and dual scattering through layers. No surfspec.

Peaks and their areas are those of ``nasicon_simulation``, so that its samples and these can stand in one figure. What
lies under the peaks is computed anew and from fewer free numbers: see ``stopping.py`` and ``depth.py``.
"""
