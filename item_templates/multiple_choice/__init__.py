"""多项选择题: two or more options are right."""
