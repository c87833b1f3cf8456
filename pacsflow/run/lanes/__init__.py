"""How a node is asked: how many lanes, how fast, at which hours."""
