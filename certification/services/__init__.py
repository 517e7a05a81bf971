"""Acts of certification."""
