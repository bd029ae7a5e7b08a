"""Serving inside a budget: which member to run when the board slows, and back when it recovers.

``slowdown`` estimates how much slower the board is than when it was measured, ``controller``
chooses the member, ``server`` runs it, ``feedback`` leaves inference times for the agent.
"""
