"""Speed of the course's parts against how it is done elsewhere: `python -m benchmarks.<name>`."""
