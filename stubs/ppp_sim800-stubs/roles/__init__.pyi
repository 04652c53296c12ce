"""What the modem does, a file for each role."""
