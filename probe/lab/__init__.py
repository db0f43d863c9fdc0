"""The lab: scenarios, and the worlds that run them (in memory, or real hosts in namespaces)."""
