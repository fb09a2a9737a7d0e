"""What AWS Lambda calls: thin handlers, one file each; the work is done by the rooms behind them.

What follows a stream imports no scientific library: a cold start is what a listener waits for.
"""
