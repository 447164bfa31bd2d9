"""Barehand beside PyTorch: every operator, layer, loss, optimizer and schedule that both have, on the same numbers.

The table (`parity.table`) has one line for each. Three tests read it:

- `test_live` draws cases with hypothesis and calls both libraries (`--live`; wants PyTorch);
- `test_replay` calls barehand alone and compares with what PyTorch answered when `record.py` stored `sample.npz`;
- `test_faults` breaks the library on purpose, one fault at a time, and expects that the sample notices.
"""
