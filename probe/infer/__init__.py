"""The inference: from observations to bindings, conditions, evidence and advice. Pure."""
