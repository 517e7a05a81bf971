r"""Formulas of items: one allow-listed LaTeX subset, one tree, and what is set from it.

`parser` reads LaTeX, `omml_reader` reads Word; `latex`, `omml`, `typst` and `plain` write the tree. Authors write formulas
between ``\(`` and ``\)``; nothing outside the subset is ever evaluated.
"""
