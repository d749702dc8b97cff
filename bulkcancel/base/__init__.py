"""What all rooms know: the values that flow, what ends a run, safe text, settings, signals.

Must not know any room: no network, no files of a run, no terminal.
"""
