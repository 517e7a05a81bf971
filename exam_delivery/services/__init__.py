"""What staff do with batches, sessions, candidates, attempts and scores."""
