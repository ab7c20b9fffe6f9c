"""The demo: an invented service of forty families, eight weeks of it, and what the people in it received."""
