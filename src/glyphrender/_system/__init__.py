"""Requests to the operating system: atomic writes, file locks, forked processes, and locks that a fork renews."""
