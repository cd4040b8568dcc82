"""The default scorer's laboratory: `make scorer` trains it anew and writes its card. Not in the wheel."""
