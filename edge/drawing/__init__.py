"""Architectures and cells as SVG: what is drawn, where it stands, and how it looks."""
