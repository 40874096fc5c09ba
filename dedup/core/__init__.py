"""Types and rules that every other package uses; nothing here imports another package of ours."""
