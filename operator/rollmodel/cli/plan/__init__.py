"""``rollmodel plan``: what a manifest would change."""
