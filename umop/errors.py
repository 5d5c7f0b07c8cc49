"""The one exception that a user sees as a message instead of a traceback."""


class UserError(Exception):
    """Something the user can put right; the message says what is wrong and what to do."""

    @property
    def message(self) -> str:
        """The message alone.

        An error raised in a process of a data loader arrives with that process's traceback in
        its text, and the message on its last line.
        """
        return str(self).strip().splitlines()[-1].removeprefix("umop.errors.UserError: ")
