"""What requests cost: counted, limited, and asked only once where an answer is kept."""
