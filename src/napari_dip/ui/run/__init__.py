"""What all docks that run something share."""
