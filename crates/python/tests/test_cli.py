"""The program from Python: `python -m barehand` is the program of the shell."""

import json
import os
import signal
import subprocess
import sys
import time

import barehand as bh
import pytest

PROGRAM = [sys.executable, "-m", "barehand"]


def run(*arguments, **options):
    return subprocess.run(
        [*PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False, **options
    )


def test_answers_go_where_they_belong():
    version = run("--version")
    assert (version.returncode, version.stdout.strip(), version.stderr) == (0, f"barehand {bh.__version__}", "")
    listed = run("list")
    assert listed.returncode == 0 and "softmax" in listed.stdout
    wrong = run("nonsense")
    assert wrong.returncode == 2 and wrong.stdout == "" and "nonsense" in wrong.stderr
    missing = run("report", "no-such-folder")
    assert missing.returncode == 2 and "no-such-folder" in missing.stderr
    assert run().returncode == 2


def test_a_reader_that_leaves_early_breaks_nothing():
    process = subprocess.Popen([*PROGRAM, "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.close()
    errors = process.stderr.read()
    process.wait(60)
    assert "Traceback" not in errors


def test_training_writes_a_run_folder(tmp_path):
    out = tmp_path / "run"
    trained = run("train", "--epochs", 1, "--out", out)
    assert trained.returncode == 0, trained.stderr
    assert (out / "report.html").is_file()
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert lines[-1]["kind"] == "epoch" and lines[-1]["train_accuracy"] > 0.5
    # The weights are files that Python reads.
    models = [path for path in out.iterdir() if path.suffix == ".safetensors"]
    assert models and all(bh.load_safetensors(path)[0] for path in models)


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_saves_and_ends_with_130(tmp_path):
    out = tmp_path / "run"
    process = subprocess.Popen(
        [*PROGRAM, "train", "--epochs", "10000", "--out", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    log = out / "metrics.jsonl"
    until = time.monotonic() + 60
    while not (log.exists() and log.stat().st_size > 0) and process.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    errors = process.communicate(timeout=60)[1]
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert any(out.glob("*.safetensors"))
