"""The stages of a scan as Spark jobs, each named as its local counterpart."""
