"""Everything over HTTP: the interface, the pages, the doors of the carriers."""
