"""Sayso on many machines: how each of its processes is put together, and all of them on one machine."""
