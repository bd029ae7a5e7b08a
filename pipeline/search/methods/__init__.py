"""What a search optimises over the shared weights; a new method changes nothing in the stages."""

from pipeline.search.methods.additive import Additive
from pipeline.search.methods.base import METHODS, Method, Setting, Step, method
from pipeline.search.methods.random import Random
from pipeline.search.methods.simplex import Simplex

__all__ = ["METHODS", "Additive", "Method", "Random", "Setting", "Simplex", "Step", "method"]
