"""The public names of perplab."""
