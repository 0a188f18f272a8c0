"""Training a vision-language model to read pages: rows, batches, stages, rewards (extra `train`).

    sample.py     what a model sees of one example, in order: texts, and texts as pages
    collate.py    samples → a batch with labels, of a processor of transformers

No module here has a training loop: TRL and transformers train.
"""
