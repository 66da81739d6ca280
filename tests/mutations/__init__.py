"""Mutations: deliberate mistakes in places that matter, and the tests that must catch each of them."""
