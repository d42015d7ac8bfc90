// The process and nothing else: arguments, signals, exit code.
