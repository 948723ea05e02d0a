"""What one element contributes to a spectrum: lines, shapes, shoulder and foot."""
