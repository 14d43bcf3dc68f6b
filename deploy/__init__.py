"""What makes one running Sayso of the rooms: settings, wiring, command line, set-up and the simulator.

The only room that names concrete classes, and the one that may import every other. The simulator stands in
for the carrier and the candidates' phones in the demo and in tests.
"""
