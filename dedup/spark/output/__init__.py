"""The run folder, written by a Spark job."""
