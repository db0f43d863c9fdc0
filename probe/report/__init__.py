"""One file an output format, each one function over one Report."""
