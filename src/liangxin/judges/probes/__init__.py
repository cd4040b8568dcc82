"""The injection probe: clean answers and their attacked twins, to see whether a judge can be talked into a level.

Answers (`answers.jsonl`) and attacks (`families`) are of our own writing and mild; see `cases` for what is asked
and `flips` for what is counted.
"""
