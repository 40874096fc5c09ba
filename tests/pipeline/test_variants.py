"""Quality on the labelled set, where it is beside this checkout."""

import subprocess
import sys

import pytest

import dedup

from ..conftest import VARIANTS, brute_force, brute_force_skeleton, needs_variants


@pytest.fixture(scope="module")
def run():
    return dedup.scan(VARIANTS / "docs")


@needs_variants
def test_precision_and_f1_reach_the_goal(run, tmp_path):
    import json

    rows = "".join(
        json.dumps({"path": run.name(d), "cluster_id": int(run.cluster_ids[d])}) + "\n" for d in run.clustered
    )
    (tmp_path / "clusters.jsonl").write_text(rows)
    score = VARIANTS.parents[1] / "tools" / "score.py"
    command = [
        sys.executable,
        score,
        VARIANTS / "truth.csv",
        tmp_path / "clusters.jsonl",
        "--json",
        tmp_path / "s",
    ]
    subprocess.run(command, check=True, capture_output=True)
    figures = json.loads((tmp_path / "s").read_text())
    assert figures["pairwise"]["precision"] >= 0.999
    assert figures["pairwise"]["f1"] >= 0.975


@pytest.mark.slow
@needs_variants
def test_every_dropped_document_has_the_exact_figures(run):
    from dedup.text.decode import decode

    def text(path):
        with open(path, "rb") as f:
            return decode(f.read()).utf8.decode()

    assert len(run.drop()) > 750
    for member in run.drop():
        jaccard, containment = brute_force(text(member.path), text(member.witness))
        assert (member.jaccard, member.containment) == (jaccard, containment)
        if member.relation == "rewritten":
            skeleton = brute_force_skeleton(text(member.path), text(member.witness))
            assert member.skeleton_jaccard == skeleton >= 0.3
        elif (
            member.relation == "scanned" or member.figure == "aligned"
        ):  # a noisy copy, of all of it or of a part
            assert (member.figure, member.value >= member.line >= 0.55) == ("aligned", True)
        else:
            figures = (member.discounted_jaccard, member.discounted_containment)
            assert jaccard >= 0.5 or containment >= 0.8 or figures[0] >= 0.5 or figures[1] >= 0.8
