"""Composition root: the application factory, the one error mapping, and flows that touch several components."""
