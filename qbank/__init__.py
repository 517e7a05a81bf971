"""Question bank: standards and outlines, items and versions, review, interchange with files."""
