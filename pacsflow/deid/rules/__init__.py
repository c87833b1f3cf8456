"""What becomes of each attribute (PS3.15 E), and what takes its place."""
