"""``python -m ccserver``: the same as the ``ccserver`` command."""

from ccserver.cli import main

main()
