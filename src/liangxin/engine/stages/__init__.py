"""The stages of a run that take time: the model is asked, and every judge rules on what has ended."""
