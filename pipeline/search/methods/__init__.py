"""What a search optimises over the shared weights; a new method changes nothing in the stages."""

from pipeline.search.methods.additive import Additive
from pipeline.search.methods.base import METHODS, Method, Setting, Step, method
from pipeline.search.methods.darts import Darts
from pipeline.search.methods.evolution import Evolution
from pipeline.search.methods.fbnet import FBNet
from pipeline.search.methods.proxylessnas import ProxylessNAS, ProxylessNASR
from pipeline.search.methods.random import Random
from pipeline.search.methods.simplex import Simplex

__all__ = [
    "METHODS",
    "Additive",
    "Darts",
    "Evolution",
    "FBNet",
    "Method",
    "ProxylessNAS",
    "ProxylessNASR",
    "Random",
    "Setting",
    "Simplex",
    "Step",
    "method",
]
