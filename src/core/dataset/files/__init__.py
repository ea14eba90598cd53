"""Image and mask files: headers, decoding, parts of large ones, thumbnails."""
