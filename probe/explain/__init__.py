"""Every English sentence of a result, made from typed values."""
