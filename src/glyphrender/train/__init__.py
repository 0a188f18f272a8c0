"""Training a vision-language model to read pages, by recipes (extra `train`; docs/training.md).

Begin with the stages. Each is one module that is read from top to bottom:

    cpt.py             continual pre-training: plain texts, rendered as they are read
    sft.py             fine-tuning: instruction, pages, response
    grpo.py            reinforcement: prompts, completions, rewards

The rooms beside them; each says what is in it:

    recipe/            what is trained, as typed values; what a run costs (`--dry-run`)
    rows/              texts, chats and questions → samples, prompts and batches
    run/               what the stages share: loading, streams of samples, the run's folder, its curve
    rewards/           how completions are rewarded, and which groups of GRPO teach
    reader/            a tiny model that learns to read from nothing
    exports/           rows for LLaMA-Factory, ms-swift, verl and TRL, with a lint of what each shows the model
    recipes/           the bundled recipes, in TOML
    launch/            files for `accelerate launch`

`recipe/` and `rows/` know no trainer, and can be used without one. No module here has a training loop: TRL and
transformers train.
"""
