"""Search over θ: the rendering parameters that read best for one visual token."""
