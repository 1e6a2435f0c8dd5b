"""Synthetic feed viewers: a seeded model of how people watch, and a sender like a player SDK."""
