"""简答题: a short text, compared with accepted ones or marked by a person."""
