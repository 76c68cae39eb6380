"""Lists and watches of the API server, and what is kept of them."""
