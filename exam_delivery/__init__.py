"""Exam sessions, rooms, attempts, the response log, scoring and release."""
