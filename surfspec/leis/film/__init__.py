"""Coverage, removal and thickness of a film."""
