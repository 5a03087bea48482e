"""Widgets that several docks use."""
