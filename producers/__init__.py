"""Where commands enter and events leave."""
