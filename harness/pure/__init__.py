"""What is thought and decided: values in, values out. No I/O, no clock, no process; tests need nothing but data.

Inputs and how they travel, tolerances, comparison, diagnosis, verdicts, expectations, differences between releases.
Imports the words of `harness` and nothing else of it.
"""
