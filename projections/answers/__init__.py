"""What `projections.queries` asks: each module reads the tables of one view and shapes what it finds."""
