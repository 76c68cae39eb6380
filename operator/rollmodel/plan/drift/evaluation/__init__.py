"""One evaluation: what is asked of Prometheus, what is tested, and what quiet windows teach. Pure."""
