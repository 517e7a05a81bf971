"""排序题: options are put into the right order."""
