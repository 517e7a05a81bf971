"""What may be done with standards and items; every service takes the unit of work."""
