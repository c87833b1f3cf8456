"""What people decide: held rows, approval, the choice of series."""
