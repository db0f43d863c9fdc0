"""The world in memory: a scenario's hosts, links and packets, in virtual time."""
