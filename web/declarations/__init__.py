"""Declarations of relations: their part of the JSON interface."""
