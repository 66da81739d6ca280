"""How fast the product is on this machine, against what, and why; see README.md."""
