"""Training problems, one folder each: a torch-free side (configuration, checks) and a torch side (the task itself)."""
