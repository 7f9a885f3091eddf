"""What runs the course: files, kernels, exercises, verdicts, progress, quiz, JupyterLab, the command `course`."""
