"""The server: application, processes, sockets, signals."""
