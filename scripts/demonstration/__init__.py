"""What scripts/demo and scripts/subscriber run."""
