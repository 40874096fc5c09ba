"""This program, as its README uses it.

Pairs: the documents of one cluster.  Removed: the documents that `dedup export drop` lists.
"""
# /// script
# dependencies = ["-e {checkout}"]
# [tool.bench]
# command = ["{python}", "-m", "dedup", "scan", "{corpus}", "--run", "{out}", "-q"]
# ///

import subprocess
import sys


def result(out: str) -> None:
    """Print id, cluster, kept of the documents that are not alone."""
    import csv

    export = [sys.executable, "-m", "dedup", "export", "clusters", "--run", out, "--format", "csv"]
    rows = subprocess.run(export, check=True, capture_output=True, text=True).stdout
    for row in csv.DictReader(rows.splitlines()):
        print(f"{row['id']},{row['cluster_id']},{int(row['kept'].lower() in ('true', '1', 'yes'))}")


if __name__ == "__main__":
    result(sys.argv[3])
