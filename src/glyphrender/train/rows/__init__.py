"""Texts, chats and questions → what a model sees: samples, prompts, batches.

    sample.py          `Sample`: texts, and texts as pages, in the order in which the model sees them
    collate.py         samples → a batch with labels; dataset.py: samples → a `datasets.Dataset`, as TRL asks for
    kinds.py           the kinds of rows that continual pre-training mixes

Continual pre-training:

    cpt_rows.py        plain corpora → samples: transcription, interleaved, going on
    documents.py       reads corpora and keeps splits apart; cuts.py cuts long texts, themes.py draws θ

Fine-tuning:

    chat_rows.py       chats of the usual forms (chat_forms.py) → rows; page_policy.py says which contexts become pages
    sft_rows.py        rows → samples by the chat template of the processor, and the auxiliary task of reading aloud
    self_distillation.py    rows whose target is the model's own right answer to the text

Reinforcement:

    grpo_rows.py       questions about texts → prompts that keep the columns which rewards need

Only collate.py, dataset.py and grpo_rows.py need the extra `train`.
"""
