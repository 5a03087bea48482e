"""Degraded pictures and stacks to try things on, and the demo."""
