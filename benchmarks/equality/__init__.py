"""What benchmarks/metric_equality.py compares: one module a benchmark, each with a function `comparisons(scripts)`."""
