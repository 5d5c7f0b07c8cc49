"""TorchServe, started with the limits of this service and without a Java of the system's."""
