"""Rows with pages for the trainers that people use, and a lint of what each trainer would make of them.

from glyphrender.train.rows.chat_rows import chat_rows
from glyphrender.train.exports.export import export, lint

export(chat_rows("chats.jsonl"), "out", trainer="llama-factory", model="glm-4.1v", theta="dense")
print(lint("out", settings="run.yaml"))

export.py                                    rows → a folder that appears whole, with its settings and a README
trainer.py                                   what an export is made of, and what a trainer's module offers
llama_factory.py, ms_swift.py, verl.py, trl.py    one trainer each
resizing.py                                  the sizes that trainers make of images
lint.py, tokens.py, settings.py              what a trainer makes of the rows under settings
files.py                                     JSON lines and parquet
"""
