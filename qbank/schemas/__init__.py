"""Shapes of the JSON interface."""
