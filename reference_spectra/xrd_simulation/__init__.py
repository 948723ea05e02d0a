"""Powder patterns for the twins of XRD analyses and for random mixtures: structure factors and optics of its own.

Nothing here uses surfspec; cards of phases are read as plain facts. Noise and file formats are those of
`nasicon_simulation`. On purpose other functions than those of the usual fit: line shapes, widths, asymmetry, texture
about any axis, coarse grains, moved atoms.
"""
