"""Redaction: measurements and reports without what names a network, judged and explained as before. Pure.

Addresses, names, link addresses, keys and greetings are replaced, the same by the same everywhere.
"""
