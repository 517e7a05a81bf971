"""Printed documents of certification: certificates, the publicity list and the roster workbook."""
