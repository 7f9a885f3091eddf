"""The book of slips: the steps that many exercises have, each with the ways in which it is usually got wrong.

attention.py   scores, scale, softmax, mask, mix, projections, heads
numbers.py     means, sums by group, largest places, shares of a row, ranks, correlation
"""
