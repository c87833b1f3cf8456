"""A study from the node to the disk: what is missing, what arrives, whether it is complete."""
