"""Asking questions of the network: a pure core, and backends that send and receive for it."""
