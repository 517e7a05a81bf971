"""Printed forms: the official layout as PDF and Word, and the separate key with the scoring standard. Pure."""
