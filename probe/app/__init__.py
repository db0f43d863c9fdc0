"""Use cases: a scan, an examination, and what is inferred of their measurements."""
