"""ccserver: an Asterisk-centric contact-center server."""

__version__ = "0.1.0"
