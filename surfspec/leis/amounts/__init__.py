"""What the areas say: detection, normalised areas."""
