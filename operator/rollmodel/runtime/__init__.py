"""The only importer of Kopf: one task per object, health, metrics, wiring."""
