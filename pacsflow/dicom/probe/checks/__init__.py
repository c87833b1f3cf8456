"""The checks of the probe, one module for each thing that is found out."""
