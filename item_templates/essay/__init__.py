"""论述题: an extended text that a person marks."""
