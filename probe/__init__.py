"""bindprobe: infer from outside what address a service is bound to, or what blocks it."""

__version__ = "0.1.0"
