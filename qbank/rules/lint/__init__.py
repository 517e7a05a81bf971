"""Rules of good items, one module a rule: pure functions that point at what a reader would stumble over."""
