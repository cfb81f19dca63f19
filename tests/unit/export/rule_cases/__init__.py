"""Small graphs for each rule: `CASES` that it must write anew, and `LEFT_ALONE` that it cannot. A file for each."""
