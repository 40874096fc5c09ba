"""Lists of a run, and the corpus of its kept documents."""
