class UserError(Exception):
    """Something a user can mend: its one-line message says what is wrong, where, and what to do."""
