"""The training demo: a run is registered and rolled out, a better one promoted, an unfair one refused, one repeated."""
