"""Evaluation: benchmarks with named protocols, asked with pages and without, on the same items.

    item.py          items, protocols and benchmarks as values     rows.py        rows of data files and of the hub
    benchmarks.py    the benchmarks by name                         questions.py   your own questions
    arms.py          the ways to ask an item, and their cost        shortening.py  text cut to a budget; BM25
    runner.py        items × arms, asked of one model               sampling.py    sampling, thoughts, stop texts
    outcome.py       what came of one item in one arm               rho.py         three definitions of ρ
    compare.py       paired differences, McNemar's test             summary.py     a run as the values of its report
    report.py        JSON, Markdown and HTML                        plots.py       score against ρ and against length
    dry_run.py       what a run would cost

One benchmark is one module: a function that loads its data, and functions that score replies. This package asks models
only through `inference`, and knows nothing about the command line.
"""
