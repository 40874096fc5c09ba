"""New documents against a run: which of them it has already."""
