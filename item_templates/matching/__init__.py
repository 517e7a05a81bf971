"""匹配题: entries of two columns are paired."""
