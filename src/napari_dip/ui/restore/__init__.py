"""The Restore dock."""
