"""The mathematics of judging: sequential tests and what they need. Imports the standard library and numpy only."""
