"""判断题: a statement is right or wrong."""
