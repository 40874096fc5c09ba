"""What a library of storage has raised -> a few words for a person."""

from __future__ import annotations

import re

from ..base import Damaged

PATIENCE = 60  # seconds without a byte after which a connection counts as lost
REASONS = (
    (r"no_such_bucket|bucket (you tried to \w+ )?does not exist|bucket not found", "no such bucket"),
    (r"invalid_access_key|invalid_client_token|signature_does_not|invalid_signature|unrecognized_client",
     "the credentials are not accepted"),
    (r"access_denied|permission_denied|unauthenticated|forbidden|http \w+( code)? 40[13]", "access denied"),
    (r"could not resolve|name or service not known|no address|nodename|name resolution|dns",
     "the name of the host is not known"),
    (r"could not connect|connect call failed|cannot connect|refused|network_connection|unreachable",
     "the host cannot be reached"),
    (r"timed? ?out|timeout", f"no answer for {PATIENCE} seconds"),
    (r"libjvm|libhdfs", "HDFS needs Java and Hadoop's libhdfs; set JAVA_HOME, HADOOP_HOME and CLASSPATH"),
    (r"empty path component", "its name has an empty part (//), which pyarrow cannot read"),
    (r"not_?implemented|read-?only", "nothing can be written there"),
    (r"no such file|not ?found|does not exist|no_such_key", "there is nothing at this address"),
)  # fmt: skip


def reason(error: BaseException) -> str:
    """What a library raised -> a few words.

    NOTE: its own words may hold the whole URL with the credentials in it, so they are used only where
    nothing that looks like an address is left of them.

    >>> reason(OSError("AWS Error ACCESS_DENIED during ListObjectsV2 operation: Access Denied"))
    'access denied'
    """
    if isinstance(error, Damaged):
        return str(error)
    status = getattr(error, "status", 0)
    if isinstance(status, int) and status:
        known = {401: "access denied", 403: "access denied", 404: "there is nothing at this address"}
        return f"{known.get(status, 'the server refused')} (HTTP {status})"
    text = " ".join(str(error).split()) or "TimeoutError" * isinstance(error, TimeoutError)
    if type(error).__name__ == "ClientPayloadError":
        return "the server sent less than it had announced"
    if isinstance(error, ImportError):
        return f"a package is missing: {error.name or text}"
    for pattern, words in REASONS:
        if re.search(pattern, f"{type(error).__name__} {text}", re.IGNORECASE):
            return words
    told = re.sub(r"\S*(://|@|\?|=)\S*", "...", text)[:200]
    return f"{told or 'it failed'} ({type(error).__name__})"
