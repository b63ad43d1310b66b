"""`ccserver doctor`: the preconditions of a production start, each looked at for real."""
