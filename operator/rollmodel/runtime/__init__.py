"""The only importer of Kopf: one daemon per object, health, metrics, wiring."""
