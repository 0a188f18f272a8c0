"""Questions with known answers, for search, evaluation and training rewards alike.

- `task`: `Example`, `Score`, the `Task` protocol, and a task that is a list of examples.
- `generated`: tasks that are drawn from any text. `jsonl`: tasks from a file.
- `answers`: the part of a reply that is scored. `scoring`: measures of how right a reply is, as plain functions.
- `alignment`: the places where two texts differ. `excerpts`: stretches of a text, and identifiers.
- `statistics`: 95% intervals of error rates. `priors`: the share of legibility that is guessing.

No module here knows θ or a model.
"""
