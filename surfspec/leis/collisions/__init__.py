"""Binary collisions: masses, energies, cross-sections, what broadens a line, calibration."""
