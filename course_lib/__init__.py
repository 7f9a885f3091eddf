"""The tested helpers of the course on attention and Transformers. Nothing heavy is loaded until a module of it is."""
