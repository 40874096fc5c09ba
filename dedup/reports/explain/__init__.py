"""How two documents differ, and where."""
