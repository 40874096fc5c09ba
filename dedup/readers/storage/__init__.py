"""Files, URLs and addresses: opening and reading them, wherever they are."""
