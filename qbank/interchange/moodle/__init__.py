"""Items of Moodle: its XML format, and what its formats share."""
