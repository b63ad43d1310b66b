"""What a machine needs to run ccserver: Asterisk, PostgreSQL, Redis, and the order to start them in.

The top floor, used by the command line and by tests only. Nothing here is needed by a server
that is given a `DATABASE_URL` and an Asterisk to talk to.
"""
