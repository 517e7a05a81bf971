"""QTI 2.1, 2.2 and 3.0 (read and written) and QTI 1.2 (read): items and packages, mapped by interaction."""
