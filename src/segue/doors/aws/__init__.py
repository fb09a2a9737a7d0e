"""What AWS Lambda calls: thin handlers, one file each; the work is done by the rooms behind them.

Nothing here imports scientific libraries: a cold start is what a listener waits for.
"""
