"""What all kinds of metrics share: types, windows, e-values and their mixtures."""
