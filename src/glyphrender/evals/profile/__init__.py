"""Reading profiles: what a model reads on pages, at which size of type, measured and written down so that it holds.

- `battery`: nine kinds of questions with known answers, as a benchmark. `filler`: the text around them.
- `ladder`: θ from large type to small. `measure`: the price before, the run, and the counts.
- `receipt`: one file with everything to check a profile. `registry`: θ for a model by its exact id.
"""
