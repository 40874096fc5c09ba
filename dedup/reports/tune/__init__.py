"""What other thresholds would do."""
