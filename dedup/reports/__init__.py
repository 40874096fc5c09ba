"""What is shown of a run: summaries, lists, explanations, evaluations and the page."""
