"""Corpora: files of texts → shards of pages, on one machine or many, that survive being killed.

    from glyphrender.adapters.corpus import render_corpus

    render_corpus(["books.jsonl"], "pages", theta=Theta.preset("dense"), jobs=8)
    datasets.load_dataset("pages")["train"][0]["images"]      # PIL images

The way of the data: `sources` (and `rows`, of parquet) read records and say where they can be cut; `plan` cuts them
into shards, by the input and the options alone; `items` makes texts with their θ of records; `shard` renders the items
of one shard into one file, in one of the `formats`; `run` shares shards out to processes, `cluster` to Ray; what each
shard came to is in its receipt, so that a run which was killed goes on where it was.
"""

from glyphrender.adapters.corpus.options import FORMATS, Options
from glyphrender.adapters.corpus.run import CorpusProgress, render_corpus

__all__ = ["FORMATS", "Options", "CorpusProgress", "render_corpus"]
