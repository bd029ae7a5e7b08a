"""The workstation side: one file per stage of ``dvc.yaml``, run as ``python -m pipeline STAGE``."""
