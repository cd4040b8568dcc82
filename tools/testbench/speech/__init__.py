"""What the command line says: every sentence of the package, and real terminals."""
