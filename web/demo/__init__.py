"""The demonstration: content that we wrote ourselves, and its loading by the same services that people use."""
