"""组合题: several items that share a text, kept together everywhere."""
