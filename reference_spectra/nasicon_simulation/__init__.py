"""The simulated NASICON study: physics written out independently of the package that is tested against it.

Nothing here imports surfspec. Line shapes, cross-sections and structure factors are computed anew, and the
backgrounds of the LEIS spectra have another shape than the fit model, so that a fit has something to get wrong.
"""
