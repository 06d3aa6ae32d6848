"""What looks on while a stage works and writes down what it saw; nothing here changes a result."""
