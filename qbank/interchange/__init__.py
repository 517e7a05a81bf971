"""Item files in and out: readers find raw records, `interpret` decides what they mean, writers put items back."""
