"""A preflight of a model server: a few cheap requests that show whether pages arrive as they were drawn.

- `probes`: the requests as values, and the tokens that each should take.
- `exchange`: send one request, and note everything that its answer shows.
- `counting`: the rule that gives the tokens which a server counts for images.
- `judge_counts`, `judge_replies`: observations → findings.
- `findings`: findings as values, and what to set in which server.
- `run`: send the probes in order, and ask further where one fails.
"""
