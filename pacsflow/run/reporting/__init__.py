"""What became of each row: outcomes, plan, report, status."""
