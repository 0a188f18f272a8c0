"""Rewards of completions, and the trainer that learns from them.

    functions.py       rewards that can be verified: exact, F1, numbers, copies, form, compression; weights
    judge.py           a reward by a model that grades
    dapo.py            `DapoTrainer`: TRL's GRPOTrainer, which trains only on groups that teach something

Only dapo.py needs torch.
"""

from glyphrender.train.rewards.functions import (
    REWARDS,
    THINKING,
    CompressionReward,
    FormatReward,
    MeasuredReward,
    RewardFunction,
    TaskReward,
    column_of,
    completion_text,
    reward_functions,
)

__all__ = [
    "REWARDS",
    "THINKING",
    "CompressionReward",
    "FormatReward",
    "MeasuredReward",
    "RewardFunction",
    "TaskReward",
    "column_of",
    "completion_text",
    "reward_functions",
]
