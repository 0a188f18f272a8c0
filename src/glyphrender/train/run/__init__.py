"""The parts that the three stages share: a recipe → samples, model, trainer, folder, curve, result.

    run_folder.py      the folder of a run: its recipe, its checkpoints, and which recipe may go on in it
    loading.py         a recipe → model and processor
    adapters.py        low-rank adapters, and weights to which those of an earlier stage are added
    streams.py         a recipe → its samples in order (stream.py), within its budgets, and those that are held out
    arguments.py       a recipe → the arguments of TRL's and transformers' trainers
    sft_trainer.py     TRL's SFTTrainer on samples; token_mean.py makes its loss the mean over tokens
    watch.py           the curve in a file, TensorBoard, the stop at a loss or a gradient that is not finite
    result.py          what a stage returns, and the end that all stages have

Only run_folder.py and stream.py need no torch.
"""
