"""Other ways to time a model, each in a process of its own: they share no code with `edge`.

A rival is called with the name of a runtime and a model file. For every line with a number of
seconds it times the model for that long, and answers with the median in nanoseconds.
"""
