"""The process: application, sockets, workers, signals."""
