"""Corpora: files of texts → shards of pages, on one machine or many; a run that was killed can be resumed.

    from glyphrender.adapters.corpus import Options, render_corpus

    render_corpus(["books.jsonl"], "shards", Options(theta=Theta.preset("dense")), jobs=8)
    datasets.load_dataset("shards")["train"][0]["images"]      # PIL images

The data goes this way:

    sources, rows   read records (rows: of parquet), and say where a source can be cut
    plan            cuts the sources into shards; depends only on input and options
    items           make records into texts with their θ
    shard           renders the items of one shard into one file, in one of the formats
    run, cluster    share shards out to processes, or to Ray

Each finished shard leaves a receipt, so a run that was killed goes on where it stopped.
"""

from glyphrender.adapters.corpus.options import FORMATS, Options
from glyphrender.adapters.corpus.run import CorpusProgress, render_corpus

__all__ = ["FORMATS", "Options", "CorpusProgress", "render_corpus"]
