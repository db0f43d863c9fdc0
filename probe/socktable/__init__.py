"""Readers of what a machine lists of its own sockets. Pure: texts in, values out.

`lines` knows the line of every tool, `table` a whole output or several after each other.
"""
