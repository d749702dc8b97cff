"""The commands: options, argv, completion and exit codes, and no rule of their own."""
