"""The command line: the same configuration, the same jobs, the same run folders as the windows. No torch, no Qt."""
