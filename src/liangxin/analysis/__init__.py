"""What stored verdicts are worth: judges measured against people, decisions, comparisons, leaderboards."""
