"""Benchmarks of the product on this machine; see README.md."""
