"""How `rule` reads an answer: phrases of refusal, of inability, and whose voice speaks."""
