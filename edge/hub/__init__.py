"""The hub: gives orders to boards and collects what they measured, over HTTP.

Boards only ever call it. What it has acknowledged is on its disk. Needs the extra `hub`;
`edge.hub_api` holds what is said over the wire.
"""
