"""Fits of CasaXPS: read, rebuilt, turned into recipes, written back."""
