"""What users ask for, cell by cell or many at once: a run, a check, a diff of releases, a report of latency.

Here and nowhere else it is decided what happens next. Prints nothing.
"""
