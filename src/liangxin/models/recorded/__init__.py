"""Models that answer from a file: recorded answers, and a script for tests."""
