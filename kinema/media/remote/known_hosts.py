"""Servers of SFTP are believed where ssh has met them: fsspec alone would believe any."""

from pathlib import Path
from typing import Any

import paramiko

PORT = 22


class UnknownHostError(paramiko.SSHException):
    """A server's key is not in ~/.ssh/known_hosts."""


class KnownHosts(paramiko.MissingHostKeyPolicy):
    """Takes the keys that are in ~/.ssh/known_hosts, and no other."""

    def missing_host_key(self, client: Any, hostname: str, key: Any) -> None:
        """Raises UnknownHostError unless the key is known."""
        path = Path.home() / ".ssh" / "known_hosts"
        if not path.is_file() or not paramiko.HostKeys(str(path)).check(hostname, key):
            raise UnknownHostError
