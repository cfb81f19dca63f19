"""One cell, from a subject to its record: exported, fed, run, weighed, tried again, located. Prints nothing."""
