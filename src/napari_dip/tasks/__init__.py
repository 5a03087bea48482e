"""The tasks, one file each, with their settings."""
