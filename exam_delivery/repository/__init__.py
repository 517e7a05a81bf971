"""Reading and locking rows of exam delivery, always inside one organisation."""
