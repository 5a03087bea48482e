"""Sample pictures and stacks, and the demo."""
