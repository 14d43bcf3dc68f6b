"""Settings, wiring and whatever runs Sayso; the only room that names concrete classes."""
