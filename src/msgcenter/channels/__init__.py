"""The channels: one small module for each way to reach a person, all with the same face (`face.py`)."""
