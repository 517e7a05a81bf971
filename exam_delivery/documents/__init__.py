"""Printed documents of an exam: admission tickets, room lists and the room report, as PDF."""
