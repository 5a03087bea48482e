"""Arrays and tensors: axes, value ranges, boxes, and how good a result is."""
