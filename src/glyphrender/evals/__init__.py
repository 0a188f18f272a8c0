"""Evaluation: benchmarks with named protocols, asked with pages and without, on the same items.

- `item`: `Item`, `Benchmark`, `EvalProtocol` and the other values that a benchmark is made of.
- `rows`: rows of data files and of the hub, with the revision of the data.

One benchmark is one module: a function that loads its data, and functions that score replies. This package asks models
only through `inference`, and knows nothing about the command line.
"""
