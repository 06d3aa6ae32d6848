"""An error of what the user brought. The standard library only."""


class InputError(ValueError):
    """The user's files are not as they should be. The message says all of it: where, what was found, what to do.

    A job that ends by it prints that alone, without a traceback (`kinema.job`).
    """
