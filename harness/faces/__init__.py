"""What users meet: the commands, what they print, what they write beside records. Decides nothing.

Two faces lie elsewhere: `harness.plugin` (pytest) and `harness.report` (files made of records alone).
"""
