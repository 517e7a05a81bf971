"""What people do with blueprints and forms: draw up, assemble, review, seal, open."""
