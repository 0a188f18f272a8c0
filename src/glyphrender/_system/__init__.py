"""Requests to the operating system: atomic writes, file locks, forked processes, and what a fork must renew."""
