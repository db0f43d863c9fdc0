"""Paths: who answered at which distance. Pure."""
