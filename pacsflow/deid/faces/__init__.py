"""Faces in images of heads: found by registration or by bone, and removed."""
