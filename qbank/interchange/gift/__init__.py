"""Moodle's GIFT text format."""
