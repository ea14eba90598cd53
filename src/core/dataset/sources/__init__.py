"""Where the images and masks of a data set are, and what was left out."""
