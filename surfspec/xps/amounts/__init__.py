"""From areas to amounts: normalised areas, atomic percent, mean free paths, the Auger parameter."""
