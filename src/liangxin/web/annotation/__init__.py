"""The pages of annotators, adjudicators and their projects."""
