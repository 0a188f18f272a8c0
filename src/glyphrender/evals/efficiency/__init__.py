"""What pages save: FLOPs, seconds and bytes of a text against pages of the same text, computed and measured.

cost.py        FLOPs and bytes of one request on one device, by arithmetic
expected.py    `expected(model, device, rho)`: both arms over lengths, speed-ups, break-even length
"""
