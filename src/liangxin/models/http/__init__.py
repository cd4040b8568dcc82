"""Models behind HTTP: one transport, its patience and pace, streams, addresses and presets."""
