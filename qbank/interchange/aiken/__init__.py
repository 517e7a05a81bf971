"""Moodle's Aiken text format: single choice in plain text."""
