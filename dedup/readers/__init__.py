"""Paths to documents: finding files, opening them, and splitting them into documents."""
