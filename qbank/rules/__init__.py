"""Pure rules of the bank: states, outlines, weights, review. No database, no HTTP, no clock."""
