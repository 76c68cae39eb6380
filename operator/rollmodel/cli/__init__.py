"""The commands that people type: ``rollmodel promote``, ``explain``, ``backtest``, ``digest`` and friends."""
