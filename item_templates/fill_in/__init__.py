"""填空题: texts are typed into blanks of the stem."""
