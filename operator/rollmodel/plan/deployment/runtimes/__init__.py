"""Model-server presets as data: image, ports, probes, metric names. One file each."""
