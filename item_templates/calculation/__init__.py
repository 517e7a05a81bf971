"""计算题: a worked solution, marked step by step or by its final answers."""
