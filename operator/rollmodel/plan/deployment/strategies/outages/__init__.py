"""When the stable revision cannot answer."""
