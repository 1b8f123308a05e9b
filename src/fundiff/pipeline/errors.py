class UserError(Exception):
    """An error that the user can fix. Its message is one line: what is wrong, where, and what to do."""

    def __init__(self, message: str):
        super().__init__(" ".join(message.split()))  # a quoted message may span lines
