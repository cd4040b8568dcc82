"""Reading what a free text answer to a choice decided for."""
