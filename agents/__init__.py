"""Faust agents, one per file: consume, call the pure core, publish."""
