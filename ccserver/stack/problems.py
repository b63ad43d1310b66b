"""The one error of this floor: something the operator can mend."""


class StackProblem(Exception):
    """A part could not be installed or started.

    The message is for the operator: what is missing, in a plain sentence, and what to do about it.
    The command line prints it without a traceback.
    """
