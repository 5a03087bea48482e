"""The docks of the studies: Prior lab, and Look inside a classifier."""
