"""Stateful building blocks of the stream worker: dedupe, views, panes, partition state."""
