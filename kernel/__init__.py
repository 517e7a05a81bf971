"""Shared kernel: settings, database, unit of work, errors, audit, identity, jobs. It knows nothing about exams."""
