"""One estimate from several techniques: coverage and thickness of a film from LEIS and XPS together.

>>> import surfspec as ss
>>> callable(ss.joint.film)
True
"""

from surfspec.joint.estimate import film

__all__ = ["film"]
