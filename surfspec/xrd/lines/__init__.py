"""What stands out of a measured pattern: its background and its lines."""
