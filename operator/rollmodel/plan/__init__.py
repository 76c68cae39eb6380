"""What should be done, and why. Pure: no I/O, no async, no clock, no logging."""
