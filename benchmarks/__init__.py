"""Speed and accuracy against peers, as ratios measured in one run.

A module ``bench_*.py`` offers ``rows(quick) -> list[Row]``; ``python -m benchmarks`` runs them all.
"""
