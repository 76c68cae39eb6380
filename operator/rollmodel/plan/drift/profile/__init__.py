"""What the training counted, as the server shows it, and what a window is compared with. Pure."""
