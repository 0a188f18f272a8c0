"""Adapters: feed pages to data sets, trainers and models through the libraries you already use.

    data.py           a column of text → a column of pages, rendered as rows are read (datasets, DataLoader)
    rows.py           rows and batches: the text in a column, errors that name the row
    theta_sources.py  where θ of a row comes from
    sft.py            rows → conversations as TRL's SFTTrainer takes them
    collator.py       conversations → a batch with labels (transformers)
    pixels.py         pages → pixel_values, without an image processor
    device.py         pages that go to a model's device as bytes, and become floats there
    processor.py      processors of transformers, loaded without torchvision
    corpus/           files of texts → shards of pages, on one machine or many

Each module uses one library, and imports it when it is needed. This package does not ask models; `inference` does.
"""
