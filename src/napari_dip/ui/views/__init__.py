"""Qt widgets: they show and emit, and never decide."""
