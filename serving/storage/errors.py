"""Errors of object storage, in one line each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

_STATUS = re.compile(r"status code: (\d{3})( [A-Za-z ]+)?")
_CODE = re.compile(r"<Code>(\w+)</Code>")
_DENIED = ("401", "403")
"""What is also answered until rights that were just given arrive."""
_PASSING = (
    *("RequestTimeout", "RequestTimeTooSkewed", "ExpiredToken", "TokenRefreshRequired"),
    *("IDPCommunicationError", "Throttling"),
)
"""Beginnings of the names that a 4xx has in S3 and STS where the same request may succeed later."""
_METADATA = re.compile(
    r"/latest/(api/token|meta-data)|/computeMetadata/|/metadata/identity|//169\.254\."
    r"|/v\d/credentials"
)
"""Where a machine or a pod asks its cloud what it may do."""
_FINAL = {
    "object with invalid path": "an object has a name with an empty part, . or ..",
    "Received redirect": "it is in another region than AWS_REGION says",
}
_KNOWN = {
    **_FINAL,
    "HTTP error: error sending request": "the server does not answer",
    "RequestTimeTooSkewed": "this machine's clock is wrong (403 RequestTimeTooSkewed)",
}
WORTH_ANOTHER_TRY = ("408", "429")
"""Those of the refusals that may be over at once."""


class StorageError(Exception):
    """Storage does not give or take something; the message is one line that says why.

    Attributes:
        is_temporary: Whether the same request may succeed later.
        may_pass: Whether it is a refusal that may be over within seconds; nobody has tried again.
    """

    def __init__(self, message: str, *, is_temporary: bool = False, may_pass: bool = False) -> None:
        super().__init__(message)
        self.is_temporary = is_temporary
        self.may_pass = may_pass


class ConflictError(StorageError):
    """An object is not what a conditional write expected."""


@contextmanager
def final_errors() -> Iterator[None]:
    """Marks errors as those that another try would meet again."""
    try:
        yield
    except StorageError as error:
        error.is_temporary = False
        raise


@contextmanager
def translated(address: str) -> Iterator[None]:
    """Raises ``StorageError`` in place of what obstore raises.

    Args:
        address: What the message names.
    """
    from obstore import exceptions

    try:
        yield
    except FileNotFoundError as error:
        code = _CODE.search(str(error))  # such as NoSuchBucket
        reason = f"404 {code[1]}" if code else "there is no such object"
        raise StorageError(f"{address}: {reason}") from error
    except (exceptions.AlreadyExistsError, exceptions.PreconditionError) as error:
        raise ConflictError(f"{address}: it was changed by another program") from error
    except exceptions.BaseError as error:
        text = str(error).partition("\n\nDebug source")[0]
        raise _of(address, text) from error


def _of(address: str, text: str) -> StorageError:
    """The error that a text of obstore describes."""
    status, code = _STATUS.search(text), _CODE.search(text)
    refused = status[1] if status and status[1][0] == "4" else ""
    if refused in WORTH_ANOTHER_TRY:
        refused = ""
    passes = code is not None and code[1].startswith(_PASSING)
    return StorageError(
        f"{address}: {_reason(text)}",
        is_temporary=(not refused or passes) and not any(each in text for each in _FINAL),
        may_pass=refused != "" and (passes or refused in _DENIED or _asks_metadata(text)),
    )


def _asks_metadata(text: str) -> bool:
    return _METADATA.search(text.partition(" - ")[0]) is not None


def _reason(text: str) -> str:
    """What an error of obstore says, without its account of how that came about."""
    if _asks_metadata(text):
        return f"no variable has credentials, and the machine gives none ({_outcome(text)})"
    return _outcome(text)


def _outcome(text: str) -> str:
    if known := next((said for each, said in _KNOWN.items() if each in text), None):
        return known
    code = _CODE.search(text)
    if status := _STATUS.search(text):
        denied = "access is denied: " if status[1] in _DENIED else ""
        return f"{denied}{status[1]} {code[1] if code else (status[2] or '').strip()}".strip()
    if code:  # in an answer that calls itself a success
        return code[1]
    [first, *_] = text.splitlines()
    return re.sub(r"^Generic \w+ error: ", "", first.rpartition(" - ")[2])
