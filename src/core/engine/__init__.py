"""The one training loop and what it needs. Torch rooms: nothing in a window imports from here."""
