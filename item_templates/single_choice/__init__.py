"""单项选择题: one option of several is right."""
