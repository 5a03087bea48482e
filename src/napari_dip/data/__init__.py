"""Arrays: their axes, value ranges, tiles and scores, and their conversion to tensors."""
