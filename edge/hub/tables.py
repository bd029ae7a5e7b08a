"""What the hub keeps: the tables of its database.

Reports and records are only ever added; the arrival number of a record orders them for ever.
Moments are ISO 8601, UTC, by the hub's clock.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SCHEMA_VERSION = 3  # 1 had no `boots.began_s`, 2 no `identities.device`


class Base(DeclarativeBase):
    """All tables. Numbers have 64 bits, as SQLite's integers do by themselves."""

    type_annotation_map = {int: BigInteger().with_variant(Integer(), "sqlite")}  # noqa: RUF012


class Version(Base):
    """One row: the version of the schema that wrote the database."""

    __tablename__ = "version"

    number: Mapped[int] = mapped_column(primary_key=True)


class Identity(Base):
    """A holder of a token: a device or an operator. The token is the identity, the name a label."""

    __tablename__ = "identities"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]  # device, operator
    name: Mapped[str] = mapped_column(unique=True)
    token_sha256: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[str]
    revoked_at: Mapped[str | None]
    quarantined: Mapped[str | None]  # why
    device: Mapped[str | None]  # the one it is of: what its first heartbeat or record named
    last_seen: Mapped[str | None]
    heartbeat: Mapped[str | None] = mapped_column(Text)  # the last one, as JSON


class Boot(Base):
    """A boot id that a device's heartbeat had; the largest number is the current one."""

    __tablename__ = "boots"
    __table_args__ = (UniqueConstraint("identity_id", "boot_id"),)

    number: Mapped[int] = mapped_column(primary_key=True)
    identity_id: Mapped[int] = mapped_column(ForeignKey("identities.id"))
    boot_id: Mapped[str]
    began_s: Mapped[float]  # since 1970, by the clock of the hub


class ModelFile(Base):
    """A model file that was brought; it lies in the folder of models until it is withdrawn."""

    __tablename__ = "models"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    size_bytes: Mapped[int]


class Job(Base):
    """An order for a device."""

    __tablename__ = "jobs"
    __table_args__ = (UniqueConstraint("identity_id", "order_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    identity_id: Mapped[int] = mapped_column(ForeignKey("identities.id"))
    order_id: Mapped[str]
    purpose: Mapped[str]
    runtime: Mapped[str]
    precision: Mapped[str]
    threads: Mapped[int]
    state: Mapped[str]  # open, done, cancelled
    created_at: Mapped[str]
    content: Mapped[str] = mapped_column(Text)  # the order, as JSON


class JobModel(Base):
    """A model of a job, known by the sha256 of its subject."""

    __tablename__ = "job_models"
    __table_args__ = (Index("job_models_by_file", "sha256"),)

    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    subject_id: Mapped[str] = mapped_column(primary_key=True)
    sha256: Mapped[str]  # of its file


class JobFailure(Base):
    """A model file of a job that could not be measured; the first reason stays."""

    __tablename__ = "job_failures"

    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    sha256: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    detail: Mapped[str] = mapped_column(Text)


class StoredReport(Base):
    """A report that was acknowledged, and how."""

    __tablename__ = "reports"

    id: Mapped[int] = mapped_column(primary_key=True)
    report_id: Mapped[str] = mapped_column(unique=True)
    identity_id: Mapped[int] = mapped_column(ForeignKey("identities.id"))
    job_id: Mapped[int | None] = mapped_column(ForeignKey("jobs.id"))
    boot_id: Mapped[str | None]
    arrived_at: Mapped[str]
    accepted: Mapped[int]  # records, new or known
    refused: Mapped[str] = mapped_column(Text)  # a list, as JSON


class StoredTarget(Base):
    """A target that records name."""

    __tablename__ = "targets"

    id: Mapped[str] = mapped_column(primary_key=True)
    content: Mapped[str] = mapped_column(Text)  # as JSON


class StoredRecord(Base):
    """A record, and what is asked of it often enough not to read its samples for it.

    `excluded` says why it is in no answer: its device was revoked or in quarantine.
    """

    __tablename__ = "records"
    __table_args__ = (
        Index("records_by_job", "job_id", "arrival"),
        Index("records_by_device", "identity_id", "arrival"),
        Index("records_by_target", "target_id", "arrival"),
        {"sqlite_autoincrement": True},  # a number is never given twice
    )

    arrival: Mapped[int] = mapped_column(primary_key=True)
    record_id: Mapped[str] = mapped_column(unique=True)
    report_id: Mapped[int] = mapped_column(ForeignKey("reports.id"))
    identity_id: Mapped[int] = mapped_column(ForeignKey("identities.id"))
    job_id: Mapped[int | None] = mapped_column(ForeignKey("jobs.id"))
    subject_id: Mapped[str]
    subject: Mapped[str] = mapped_column(Text)  # as JSON
    target_id: Mapped[str] = mapped_column(ForeignKey("targets.id"))
    median_ms: Mapped[float]
    verdict: Mapped[str]
    simulated: Mapped[bool]  # not measured on hardware
    excluded: Mapped[str | None]
    content: Mapped[str] = mapped_column(Text)  # as JSON
