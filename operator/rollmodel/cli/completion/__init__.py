"""Completion of the command line in shells, without a package for it."""
