"""Back up a service that imports, restore it elsewhere, and compare."""
