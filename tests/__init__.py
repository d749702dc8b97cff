"""The tests: each proves one fact, and its docstring says which."""
