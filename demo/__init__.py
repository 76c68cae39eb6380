"""The demo: one model served, a better one promoted, a worse one rolled back, on a real control plane."""
