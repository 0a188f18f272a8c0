"""The compression ratio ρ(θ): the text tokens that one visual token stands for, and two solvers over θ.

`ratio.py` computes ρ of a text or a document for a model; its values are in `costs.py`. `align.py` finds the nearest θ
whose pages a model does not resample. `fit.py` finds the most legible θ that reaches a target.
"""
