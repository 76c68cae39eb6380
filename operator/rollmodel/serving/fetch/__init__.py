"""Fetching: models and training inputs, verified before anything reads them."""
