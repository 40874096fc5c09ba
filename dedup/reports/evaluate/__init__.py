"""A run against labels."""
