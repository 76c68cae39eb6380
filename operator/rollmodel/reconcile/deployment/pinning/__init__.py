"""Which model an object means: pinned to a version and a digest, with the login and the alias that lead to it."""
