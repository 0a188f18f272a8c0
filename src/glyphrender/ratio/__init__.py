"""ρ(θ): how many text tokens one visual token stands for, and what each model counts as either."""
