"""EdgeFacet's device side: measuring, the latency table, calibration and picking.

Imports neither torch nor onnx nor dvc; everything heavy is an extra. An application needs two
lines, and nothing is imported before it needs it:

    from edge import Family

    model = Family.load("families/current").pick(budget_ms=8)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"
__all__ = ["EdgeError", "Family", "Model", "NoFit", "Pick", "__version__"]

if TYPE_CHECKING:
    from edge.errors import EdgeError
    from edge.family import Family
    from edge.model import Model
    from edge.pick import NoFit, Pick
else:
    _MODULES = {
        "EdgeError": "edge.errors",
        "Family": "edge.family",
        "Model": "edge.model",
        "NoFit": "edge.pick",
        "Pick": "edge.pick",
    }

    def __getattr__(name):
        """Import what an application asks for when it does."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(_MODULES[name]), name)

    def __dir__():
        return sorted(set(globals()) | set(__all__))
