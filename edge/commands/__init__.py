"""The subcommands of `facet`: each file has one command, or a few about the same thing."""
