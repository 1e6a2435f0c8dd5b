"""The HTTP API that takes playback events into Kafka."""
