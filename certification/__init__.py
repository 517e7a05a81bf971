"""From released results to certificates that can be looked up."""
