"""Redaction: measurements and reports without what names a network, judged and explained as before. Pure.

Addresses, names, link addresses, keys and what services say are replaced, the same by the same everywhere.
"""
