"""Costs of a text and of pages of the same text: FLOPs, seconds and bytes, computed and measured.

cost.py        FLOPs and bytes of one request on one device, by arithmetic
expected.py    `expected(model, device, rho)`: both arms over lengths, speed-ups, break-even length
"""
