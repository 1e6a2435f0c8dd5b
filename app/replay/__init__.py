"""Recorded events, played again: to the events API or straight to the raw topic."""
