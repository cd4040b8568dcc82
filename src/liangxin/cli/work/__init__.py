"""What the commands do and print once their words are parsed."""
