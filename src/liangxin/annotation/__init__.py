"""People in the loop: projects, seats, verdicts with their history, agreement, adjudication, red teaming."""
