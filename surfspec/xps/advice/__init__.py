"""Warnings that an experienced analyst would give: a registry of rules, and what they look at."""
