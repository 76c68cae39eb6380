"""What is generated of the chart ``charts/rollmodel`` and from it; ``python -m charts`` writes it."""
