"""Questions with known answers: tasks, scorers, generators and statistics."""
