"""The actor of a command, for the audit log."""

import getpass
import os
import socket

from msgcenter.domain.person import Actor


def command_actor() -> Actor:
    """Return the user of this machine who runs the command."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = f"uid {os.getuid()}"  # a container may have users without names
    return Actor("command", name, socket.gethostname())
