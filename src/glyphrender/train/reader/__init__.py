"""A tiny model that learns to read from nothing, on one CPU thread (docs/learn_to_read.md).

    tiny_reader.py     a GLM-4.1V of a million parameters, with starts that can learn
    look_back.py       a start from which a small model learns to look up
    byte_tokenizer.py  its tokenizer, of bytes; glm4v_images.py: its processor, which needs no torchvision
    equal_pages.py     the tower's attention over pages of one size, in one call
    align.py           stage 0: which characters stand in each visual token
    reading.py         pages to read, of random characters and of prose, in many shapes
    lookups.py         pages of key–value lines, and questions about them
    reading_trainer.py transformers' Trainer with the loss of reading; the score of held-out pages

The recipes `tiny-*` and `reader-gpu-*` train it by the three stages.
"""
