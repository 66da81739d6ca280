"""Live events: the bus between server processes, and the open streams of each process."""
