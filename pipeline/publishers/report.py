"""The report: one file for people who open no other."""

from __future__ import annotations

from pipeline.bundle import Bundle

EPOCH = 9


def report(*, bundle: Bundle) -> None:
    """`report.html`: the verdict in words, a map to move about in, targets, scores beside their baselines, what the map rests on, where it is
    blind, data and licences. Self-contained: it asks nothing of a network. Under 15 MB for any region; the same bytes for the same bundle."""
    from pipeline.publishers._report import page  # plans read this file's EPOCH, and need not wait for a library of charts

    (bundle.folder / "report.html").write_text(page.page(bundle), encoding="utf-8")
