"""Stage `report`: one offline HTML page about a finished run."""

from pipeline.report.stage import run

__all__ = ["run"]
