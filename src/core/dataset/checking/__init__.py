"""Reading a whole data set once, and what is wrong with it."""
