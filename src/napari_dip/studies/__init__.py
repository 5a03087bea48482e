"""Studies: several pictures with names, each of which takes a fit."""
