"""Whatever a library says of a request that failed -> what it means, in words that hold no key and no signature.

The words of the libraries are never repeated: they may contain the address that was asked for, with all that is in it.
"""

import errno
import os
import re
import ssl
import urllib.error
from collections.abc import Iterator
from typing import Any, Literal

Kind = Literal["missing", "denied", "passing", "refused"]
MISSING, DENIED = (404, 410), (401, 403, 407)
PASSING = (408, 425, 429)  # and all from 500 on
# Errors about credentials, of botocore, google-auth, azure and paramiko, by name: none of them need be installed.
ABOUT_CREDENTIALS = {
    *("NoCredentialsError", "PartialCredentialsError", "ProfileNotFound", "UnauthorizedSSOTokenError"),
    *("TokenRetrievalError", "SSOTokenLoadError", "DefaultCredentialsError", "RefreshError"),
    *("ClientAuthenticationError", "AuthenticationException", "PasswordRequiredException", "BadHostKeyException"),
    "UnknownHostError",
}
FOR_GOOD = {"ParamValidationError", "InvalidRegionError", "UnsupportedSignatureVersionError"}
WORDS = {
    "NoCredentialsError": "no credentials were found",
    "UnknownHostError": "its key is not in ~/.ssh/known_hosts: connect once with ssh",
    "FSTimeoutError": "too slow",
    "TimeoutError": "too slow",
}


class StoreError(Exception):
    """A request failed: there is no such object, access is denied, the cause may pass, or it is refused for good."""

    def __init__(self, kind: Kind, text: str):
        super().__init__(text)
        self.kind = kind


def meaning(error: BaseException) -> StoreError:
    """What an error of a library means."""
    status, code = _answer(error)
    if status:
        return StoreError(_kind_of(status, error), f"HTTP {status}{f' {code}' if code else ''}")
    names = [type(one).__name__ for one in _behind(error)]
    about = next((name for name in names if name in ABOUT_CREDENTIALS), None)
    if about:
        return StoreError("denied", WORDS.get(about, about))
    if isinstance(error, FileNotFoundError):
        return StoreError("missing", "not found")
    if isinstance(error, PermissionError):
        return StoreError("denied", "permission denied")
    if any(isinstance(one, ssl.SSLCertVerificationError) for one in _behind(error)):
        return StoreError("refused", "its certificate cannot be verified")
    if isinstance(error, ValueError | TypeError | NotImplementedError) or FOR_GOOD & {*names}:
        return StoreError("refused", names[0])
    return StoreError("passing", _in_words(error))


def of_status(status: int) -> StoreError:
    """What a status of HTTP means."""
    return StoreError(_kind_of(status), f"HTTP {status}")


def _kind_of(status: int, error: BaseException | None = None) -> Kind:
    if status in MISSING or isinstance(error, FileNotFoundError):
        return "missing"
    if status in DENIED or isinstance(error, PermissionError):
        return "denied"
    return "passing" if status in PASSING or status >= 500 else "refused"


def _answer(error: BaseException) -> tuple[int, str]:
    """Status and code that a server answered with; 0 where none did."""
    for one in _behind(error):
        if isinstance(one, urllib.error.HTTPError):
            return one.code, ""
        answer: Any = getattr(one, "response", None)
        if isinstance(answer, dict):  # botocore's
            status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode")
            code = str(answer.get("Error", {}).get("Code", ""))
            if status:
                return int(status), code if re.fullmatch(r"[A-Za-z]{1,60}", code) else ""
        # aiohttp's, azure's, gcsfs's; the `code` of other errors is of a message that was cut
        for name in ("status", "status_code", *(["code"] if type(one).__name__ == "HttpError" else [])):
            value = getattr(one, name, None)
            if isinstance(value, int) and 400 <= value < 600:
                return value, ""
    return 0, ""


def _in_words(error: BaseException) -> str:
    """An error without what its text may hold."""
    for one in _behind(error):
        if type(one).__name__ in WORDS:
            return WORDS[type(one).__name__]
        if isinstance(one, OSError) and one.errno and one.errno in errno.errorcode:
            return os.strerror(one.errno)
    return type(error).__name__


def _behind(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and those that brought it about."""
    for _ in range(10):
        if error is None:
            return
        yield error
        reason = getattr(error, "reason", None)
        error = error.__cause__ or (reason if isinstance(reason, BaseException) else error.__context__)
