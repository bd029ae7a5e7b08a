"""The sections of `params.yaml` as frozen data, each with its units and bounds.

The defaults are the default preset, so a project's own file needs to hold only what differs.
"""

from pipeline.sections.base import Section, setting
from pipeline.sections.data import DataParams
from pipeline.sections.deploy import ExportParams, RetrainParams
from pipeline.sections.extract import ExtractParams, PointParams
from pipeline.sections.measuring import CalibrateParams, ProfileParams, VerifyParams
from pipeline.sections.search import (
    HypernetParams,
    ReinforceParams,
    SamplerParams,
    SearchParams,
    WeightsParams,
)
from pipeline.sections.space import SpaceParams
from pipeline.sections.target import TargetParams

__all__ = [
    "CalibrateParams",
    "DataParams",
    "ExportParams",
    "ExtractParams",
    "HypernetParams",
    "PointParams",
    "ProfileParams",
    "ReinforceParams",
    "RetrainParams",
    "SamplerParams",
    "SearchParams",
    "Section",
    "SpaceParams",
    "TargetParams",
    "VerifyParams",
    "WeightsParams",
    "setting",
]
