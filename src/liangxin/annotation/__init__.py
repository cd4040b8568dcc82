"""People in the loop: projects, assignments, verdicts with their history, agreement, adjudication, red teaming."""
