class UserError(Exception):
    """Something a user can mend: its one-line message says what is wrong, where, and what to do."""

    def __init__(self, message: str):
        super().__init__(" ".join(message.split()))  # what it quotes may have lines of its own
