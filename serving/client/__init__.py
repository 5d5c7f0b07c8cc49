"""A client of the service."""

from serving.client.client import Client, ClientError

__all__ = ["Client", "ClientError"]
