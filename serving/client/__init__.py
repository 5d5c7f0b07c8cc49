"""A client of the service."""

from serving.client.answers import ClientError
from serving.client.client import Client

__all__ = ["Client", "ClientError"]
