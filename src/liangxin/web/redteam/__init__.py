"""The pages for attacking a model and for reviewing attacks."""
