"""From files to a run: the flow, the pass over all texts, a second scan, and deciding anew."""
