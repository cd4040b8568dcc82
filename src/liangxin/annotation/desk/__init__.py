"""What annotators do: tasks are assigned, opened, judged and saved."""
