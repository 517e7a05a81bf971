"""Who acts: organisations, users, roles, permissions, sessions, sign-in."""
