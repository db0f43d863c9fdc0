"""The composition root of `doctor`: this machine, then each address, then what is wrong and what mends it."""
