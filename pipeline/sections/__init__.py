"""The sections of `params.yaml` as frozen data, each with its units and bounds.

The defaults are the default preset, so a project's own file needs to hold only what differs.
"""
