"""Costs of a text and of pages of the same text: FLOPs, seconds and bytes, computed and measured.

cost.py        FLOPs and bytes of one request on one device, by arithmetic
expected.py    `expected(model, device, rho)`: both arms over lengths, speed-ups, break-even length
backbone.py    a model with random or loaded weights, and prompts of both arms
clock.py       seconds and bytes of what a device does
arm.py         one prompt, measured
measure.py     `measure`: both arms over lengths, with the arithmetic beside them
server.py      the same on a running server
report.py      the report as JSON and tables; plot.py draws the speed-ups
"""
