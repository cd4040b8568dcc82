"""What comes of annotators' work: verdicts, agreement, gold questions, adjudication."""
