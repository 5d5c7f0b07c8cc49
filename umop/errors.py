"""The one exception that a user sees as a message instead of a traceback."""


class UserError(Exception):
    """Something the user can put right; the message says what is wrong and what to do."""
