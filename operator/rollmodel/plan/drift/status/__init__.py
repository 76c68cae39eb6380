"""What people and programs read. Pure."""
