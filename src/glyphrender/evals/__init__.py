"""Evaluation: benchmarks with named protocols, asked with pages and without, on the same items.

    item.py          items, protocols, benchmarks as values        rows.py, loading.py, spool.py   rows of data files
    benchmarks.py    the benchmarks by name                        questions.py    your own questions
    arms.py          the ways to ask an item, and their cost       shortening.py   text cut to a budget; BM25
    runner.py        items × arms, asked of one model              asking.py       one item in one arm
    sampling.py      sampling, thoughts, stop texts                outcome.py      what came of an item in an arm
    rho.py           three definitions of ρ                        compare.py      paired differences, McNemar's test
    summary.py       a run as the values of its report             report.py, plots.py   JSON, Markdown, HTML, plots
    dry_run.py       what a run would cost                         profile/        what a model reads at which size

One benchmark is one module: a function that loads its data, and functions that score replies. This package asks models
only through `inference`, and knows nothing about the command line.
"""
