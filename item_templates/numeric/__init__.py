"""数值题: a number within a tolerance, with a unit where there is one."""
