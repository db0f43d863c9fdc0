"""The diagnosis: from what was measured to the causes of what is wrong, and what mends them.

Pure: it knows no socket, process, clock or randomness.
"""
