"""Two texts word by word: what each says that the other does not, in its plain definition."""
