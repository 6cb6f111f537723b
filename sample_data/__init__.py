"""A small synthetic Balochistan and the code that makes it; nothing here is a measurement."""
