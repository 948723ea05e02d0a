"""Before a measurement: lines of elements, candidates of peaks, what can be separated, and with which projectile."""
