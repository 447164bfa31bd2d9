"""The progress bar on a terminal, in a log, and in a notebook."""

import io
import sys
import time

import barehand as bh
import pytest


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


def last_line(out):
    return out.getvalue().split("\r")[-1]


def test_a_bar_follows_a_loop():
    out = Terminal()
    bar = bh.progress(range(3), desc="epoch 1", file=out)
    for number in bar:
        bar.set_postfix(loss=bh.tensor(0.123456), step=number, name="x")
    text = last_line(out)
    assert text.startswith("epoch 1: 100%") and "3/3" in text and "it/s, loss=0.1235, step=2, name=x]" in text
    assert text.endswith("\x1b[K\n")
    assert all(len(line) < 100 for line in out.getvalue().replace("\x1b[K", "").split("\r"))


def test_it_is_drawn_ten_times_a_second_at_most():
    out = Terminal()
    start = time.monotonic()
    for _ in bh.progress(range(100_000), file=out):
        pass
    seconds = time.monotonic() - start
    assert out.getvalue().count("\r") <= seconds / 0.1 + 3


def test_counting_by_hand_without_a_total():
    out = Terminal()
    with bh.progress(total=10, unit="B", file=out) as bar:
        bar.update(4)
        bar.set_description("read")
        assert len(bar) == 10
    assert "read:  40%" in last_line(out) and "4/10" in last_line(out) and "B/s" in last_line(out)
    out = Terminal()
    assert list(bh.progress((x for x in range(3)), file=out)) == [0, 1, 2]
    assert last_line(out).startswith("3 [")
    out = Terminal()
    list(bh.progress(range(3), file=out, leave=False))
    assert last_line(out) == "\x1b[K"
    with pytest.raises(TypeError):
        iter(bh.progress(total=3, disable=True)).__next__()


def test_logs_get_few_lines():
    out = io.StringIO()
    list(bh.progress(range(1000), desc="work", file=out))
    assert out.getvalue().count("\n") == 1 and out.getvalue().startswith("work: 100% 1000/1000")
    out = io.StringIO()
    list(bh.progress(range(1000), file=out, disable=True))
    assert out.getvalue() == ""


def test_an_error_in_the_loop_passes_and_a_closed_stream_stops_nothing():
    def broken():
        yield 1
        raise KeyError("inside")

    with pytest.raises(KeyError, match="inside"):
        list(bh.progress(broken(), file=Terminal()))
    out = Terminal()
    bar = bh.progress(range(3), file=out)
    out.close()
    assert list(bar) == [0, 1, 2]


def test_notebooks_show_a_bar_below_the_cell(tmp_path):
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    spec = tmp_path / "kernels" / "this"
    spec.mkdir(parents=True)
    import json
    import os

    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "this", "language": "python"}))
    code = """
import barehand as bh, time
bar = bh.progress(range(5), desc="<epoch> 1")
for _ in bar:
    bar.set_postfix(loss=0.5)
    time.sleep(0.12)
"""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    before = os.environ.get("JUPYTER_PATH")
    os.environ["JUPYTER_PATH"] = str(tmp_path)
    try:
        nbclient.NotebookClient(notebook, kernel_name="this", timeout=120).execute()
    finally:
        if before is None:
            del os.environ["JUPYTER_PATH"]
        else:
            os.environ["JUPYTER_PATH"] = before
    (output,) = notebook.cells[0].outputs
    assert output.output_type == "display_data"
    shown = output.data["text/html"]
    assert '<progress max="1" value="1.0000">' in shown
    assert "&lt;epoch&gt; 1" in shown and "5/5" in shown and "loss=0.5" in shown
    assert output.data["text/plain"].startswith("<epoch> 1: 100% 5/5")
