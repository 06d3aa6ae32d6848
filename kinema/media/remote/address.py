"""Addresses of videos that are no folder here, such as `s3://bucket/prefix`; none may hold a secret.

The Snakefile imports this module: it needs the standard library only.
"""

import re
from pathlib import Path
from urllib.parse import unquote

SCHEMES = ("s3", "gs", "az", "https", "http", "sftp")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):/")
_ORIGIN = re.compile(r"([a-z0-9]+://[^/]+)/?(.*)", re.DOTALL)
_LOGIN, _QUERY = re.compile(r"://[^/\s'\"]*@"), re.compile(r"(://[^?\s'\"]*\?)[^\s'\"]*")


def is_remote(place: str | Path) -> bool:
    """Whether a place is an address and not a folder of this machine."""
    return isinstance(place, str) and place.partition("://")[0] in SCHEMES and "://" in place


def place(text: str) -> Path | str:
    """What a command was given: a folder of this machine, or an address, which stays as it is."""
    return text if "://" in text else Path(text)


def trouble(text: str) -> str | None:
    """What is wrong with a text that looks like an address, without repeating it; None where nothing is, or does."""
    found = _SCHEME.match(text)
    if not found:
        return None
    scheme, known = found[1], ", ".join(f"{name}://" for name in SCHEMES)
    if not text.startswith(f"{scheme}://") or scheme not in SCHEMES:
        return f"expected a folder, or an address that begins with {known}; `{scheme}:/` is neither"
    host, _, _ = text.removeprefix(f"{scheme}://").partition("/")
    user, _, place = host.rpartition("@")
    if user and (scheme != "sftp" or ":" in user):
        return (
            "an address must not hold a user name or a password, which would be in logs and records: take out all "
            "before the @; docs/remote-data.md says where they are looked for"
        )
    if "?" in text or (scheme.startswith("http") and "#" in text):
        return (
            "an address must not hold a `?` or what follows it, such as a key or a signature, which would be in logs "
            "and records: take it out; docs/remote-data.md says where keys are looked for"
        )
    if not place:
        return f"expected a {'host' if scheme in ('https', 'http', 'sftp') else 'bucket'} behind {scheme}://"
    return None


def without_secrets(text: str) -> str:
    """A text in which what may be a secret of an address is replaced by dots."""
    return _QUERY.sub(r"\1...", _LOGIN.sub("://...@", text))


def split_address(address: str) -> tuple[str, str]:
    """`s3://bucket/some/path` -> (`s3://bucket`, `some/path`)."""
    found = _ORIGIN.fullmatch(address)
    assert found, "no address"
    return found[1], found[2]


def folder_of(root: str) -> str:
    """An address as the names of objects are joined to it: with a slash at the end, and as people write names."""
    origin, path = split_address(root)
    if origin.startswith("http"):
        path = unquote(path, errors="surrogateescape")
    path = path.strip("/")
    return f"{origin}/{path}/" if path else f"{origin}/"
