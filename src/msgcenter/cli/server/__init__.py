"""The server process: sockets, HTTP/1.1, workers."""
