"""Pure numpy measurement theory: no Flask, no SQL, no clock, no files."""
