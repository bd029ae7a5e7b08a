"""EdgeFacet's device side: measuring, the latency table, calibration and picking.

Imports neither torch nor onnx nor dvc; everything heavy is an extra.
"""

__version__ = "0.1.0"
