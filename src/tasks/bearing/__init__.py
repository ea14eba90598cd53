"""Bearing-fault diagnosis from vibration: every recording gets a fault, or none."""
