"""Full-pattern least squares: cell, profile, texture, scale and weight fractions of named phases."""
