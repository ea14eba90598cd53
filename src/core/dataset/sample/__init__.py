"""The sample data that Lathe makes itself."""
