"""The daemon: looks at what is due, decides who hears, and sends."""
