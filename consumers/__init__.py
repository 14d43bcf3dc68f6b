"""Where things are acted on: the worker, the dispatcher and its carriers, the scheduler, the projector loop."""
