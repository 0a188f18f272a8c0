"""Training a vision-language model to read pages: rows, batches, stages, rewards (extra `train`).

    sample.py          what a model sees of one example, in order: texts, and texts as pages
    collate.py         samples → a batch with labels, of a processor of transformers
    dataset.py         samples → a `datasets.Dataset`, as TRL's trainers ask for
    token_mean.py      the loss of a step as the mean over its tokens, however many processes share it
    cpt_rows.py        plain corpora → samples: transcription, interleaved, going on. documents.py reads them and tells
                       splits apart, cuts.py cuts them, themes.py draws θ
    chat_rows.py       chats of the usual forms (chat_forms.py) → rows, with long contexts as pages (page_policy.py)
    sft_rows.py        rows → samples by the chat template of the processor, and the auxiliary task of reading aloud
    self_distillation.py    rows whose target is the model's own right answer to the text
    exports/           rows for LLaMA-Factory, ms-swift, verl and TRL, with a lint of what each shows the model

Stages, by recipes (docs/training.md):

    recipe.py          typed TOML recipes; sections.py and fields.py declare their fields, describe.py writes them out
    plan.py            what a run costs, by arithmetic; dry_run.py builds the model without memory
    cpt.py, sft.py,    the three stages, read from top to bottom; loading.py loads models, arguments.py and watch.py
      grpo.py          are what their trainers share
    streams.py         a recipe → its samples in order (stream.py), within its budgets
    run_folder.py      the folder of a run, and which recipe may go on in it

Learning to read, from nothing (docs/learn_to_read.md):

    tiny_reader.py      a GLM-4.1V of a million parameters, with starts that can learn
    align.py            stage 0: which characters stand in each visual token
    reading.py          pages to read, of random characters and of prose, in many shapes
    reading_trainer.py  transformers' Trainer with the loss of reading; the score of held-out pages

No module here has a training loop: TRL and transformers train.
"""
