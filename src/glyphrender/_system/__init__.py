"""What is asked of the operating system: atomic writes, file locks, worker processes, and what a fork must renew."""
