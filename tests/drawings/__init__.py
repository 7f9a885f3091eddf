"""The drawings of `notebooks/pictures/`, made by one pen: `python -m tests.drawings` draws them all anew."""
