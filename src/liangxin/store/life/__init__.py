"""What becomes of a run once it was made: its name, its place in lists and on boards, and its end."""
