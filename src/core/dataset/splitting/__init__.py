"""Training, validation and test: groups, folds, what is remembered, what leaks."""
