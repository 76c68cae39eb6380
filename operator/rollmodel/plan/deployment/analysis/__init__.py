"""Analysis: what is asked of Prometheus, how answers are read, and what the judge makes of them."""
