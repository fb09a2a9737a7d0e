"""Data sets of Personalize made every day of raw events, profiles and a catalogue, step by step.

A run is cut into steps of some minutes, and what each comes to is kept in S3, so that whoever takes
the next step may be another process: a function on AWS lives for a quarter of an hour.
"""
