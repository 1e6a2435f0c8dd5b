"""What the shipped alerts make of the demo's stories, in simulated time and live."""
