"""The agent on the board: takes orders from a hub, measures, and loses nothing.

It only ever asks: no port is open. What it has measured lies in the spool, on the disk, until the
hub has acknowledged it. One folder, the state, holds all that it must remember.
"""
