"""Search: find the rendering parameters θ that read best for one visual token.

Start reading at `search.search`; `result` describes what a search returns.

    search.py     the public function           settings.py      its numbers, checked
    run.py        rounds, batches, halving      pareto.py        ranks, crowding, hypervolume
    space.py      the θ that may be tried       axes.py          what varies, as ladders of values
    presets.py    spaces by name                rho_text.py      the text that ρ is measured on
    evaluation.py an evaluator and its answer   reader.py, vlm.py  OCR and models as evaluators
    proposer.py   what proposes θ               expert.py, llm.py  rules and models as proposers
    proposal_json.py  a model's proposals       candidate.py     one θ of a search
    journal.py    the file a search is kept in  workers.py       processes and threads
    result.py     what a search gives           report.py        tables and one HTML page
    plot.py           ρ against error           baselines.py     what a search is compared with

This package asks models only through `inference`, and knows nothing about the command line.
"""
