"""Settings, wiring, commands, the HTTP API, metrics export and the embedded broker."""
