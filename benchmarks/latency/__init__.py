"""How well the latency of whole networks is predicted from blocks and n measured networks."""
