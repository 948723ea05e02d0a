"""Questions to a spectrum: is a state there, one component or two, is the shape the same."""
