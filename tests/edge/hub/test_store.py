import sqlite3
import threading

import pytest
from sqlalchemy import select, text, update

from edge.hub.store import Store, StoreError, sqlite_url
from edge.hub.tables import SCHEMA_VERSION, Boot, Identity, ModelFile, Version


@pytest.fixture
def path(tmp_path):
    return tmp_path / "hub.db"


@pytest.fixture
def url(path, database):
    return database or sqlite_url(path)


def identity(name):
    return Identity(kind="device", name=name, token_sha256=name, created_at="2026-03-01")


def names(store):
    with store.reading() as session:
        return session.scalars(select(Identity.name).order_by(Identity.id)).all()


@pytest.mark.parametrize(("synchronous", "number"), [("FULL", 2), ("EXTRA", 3), ("NORMAL", 1)])
def test_commits_are_on_the_disk_before_they_return(path, synchronous, number):
    store = Store(sqlite_url(path), synchronous)
    for session_of in (store.reading, store.writing):
        with session_of() as session:
            found = [
                session.scalar(text(f"PRAGMA {name}"))
                for name in ("journal_mode", "synchronous", "foreign_keys")
            ]
        assert found == ["wal", number, 1]


def test_full_is_the_default(path):
    with Store(sqlite_url(path)).reading() as session:
        assert session.scalar(text("PRAGMA synchronous")) == 2


def test_all_or_nothing(url):
    store = Store(url)

    def half() -> None:
        with store.writing() as session:
            session.add(identity("a"))
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert names(store) == []


def test_a_reader_sees_one_moment_and_does_not_wait(url):
    store = Store(url)
    with store.reading() as reader:
        assert reader.scalars(select(Identity.name)).all() == []
        with store.writing() as writer:
            writer.add(identity("a"))
        assert reader.scalars(select(Identity.name)).all() == []
    assert names(store) == ["a"]


def test_writers_take_turns(url):
    store = Store(url, "NORMAL")

    def write(number):
        with store.writing() as session:
            known = len(session.scalars(select(Identity.name)).all())
            session.add(identity(f"n{known}"))

    threads = [threading.Thread(target=write, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names(store) == [f"n{n}" for n in range(12)]


def test_what_is_kept_is_there_after_a_restart(url):
    store = Store(url)
    with store.writing() as session:
        session.add(identity("a"))
    store.close()
    again = Store(url)
    assert (names(again), again.problems()) == (["a"], [])


def test_numbers_have_64_bits(url):
    store = Store(url)
    with store.writing() as session:
        session.add(ModelFile(sha256="0", size_bytes=2**63 - 1))
    with store.reading() as session:
        assert session.scalar(select(ModelFile.size_bytes)) == 9_223_372_036_854_775_807


def test_a_newer_database_is_left_alone(url):
    store = Store(url)
    with store.writing() as session:
        session.execute(update(Version).values(number=SCHEMA_VERSION + 1))
    store.close()
    with pytest.raises(StoreError, match=f"version {SCHEMA_VERSION + 1}"):
        Store(url)


def test_a_database_of_version_1_is_taken_over(url):
    store = Store(url)
    with store.writing() as session:
        session.execute(text("ALTER TABLE identities DROP COLUMN device"))
        session.execute(text("DROP TABLE boots"))
        session.execute(text("CREATE TABLE boots (number INTEGER, boot_id TEXT, uptime_s FLOAT)"))
        session.execute(update(Version).values(number=1))
    store.close()
    for _ in range(2):
        store = Store(url)
        with store.writing() as session:
            assert session.scalar(select(Version.number)) == SCHEMA_VERSION
            assert session.scalars(select(Boot.began_s)).all() == []
        store.close()


def test_in_a_database_of_version_2_tokens_are_of_the_devices_that_used_them_last(url):
    store = Store(url)
    with store.writing() as session:
        session.add_all([identity("a"), identity("b")])
        session.flush()
        session.execute(text("ALTER TABLE identities DROP COLUMN device"))
        beat = text("UPDATE identities SET heartbeat = :beat WHERE name = 'a'")
        session.execute(beat, {"beat": '{"device": "Pi 5", "boot_id": "x"}'})
        session.execute(update(Version).values(number=2))
    store.close()
    with Store(url).reading() as session:
        found = session.execute(select(Identity.name, Identity.device).order_by(Identity.name))
        assert found.all() == [("a", "Pi 5"), ("b", None)]
        assert session.scalar(select(Version.number)) == SCHEMA_VERSION


@pytest.mark.parametrize(
    "content", [b"not a database" * 100, b"SQLite format 3\x00" + b"\xff" * 4096]
)
def test_a_file_that_is_no_database_is_left_alone_and_named(path, content):
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"hub\.db.*backup"):
        Store(sqlite_url(path))
    assert path.read_bytes() == content


def test_damage_is_found(path):
    store = Store(sqlite_url(path))
    with store.writing() as session:
        session.add_all(identity(f"device-{n}") for n in range(500))
    store.close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        (root,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'sqlite_autoindex_identities_1'"
        ).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    with path.open("r+b") as file:
        file.seek(root * size - size // 4)  # cells are kept at the end of a page
        file.write(b"\x55" * (size // 4))
    assert Store(sqlite_url(path)).problems() != []


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        ("", "write DIALECT"),
        ("x", "write DIALECT"),
        ("u:secret@host/hub", "write DIALECT"),
        ("postgresql://u:secret@host:port/hub", "write DIALECT"),
        ("nosuch://u:secret@host/hub", r"nosuch://u:\*\*\*@host/hub cannot be opened"),
        ("sqlite:////no/such/folder/hub.db", "hub.db cannot be used .* correct --db or --state"),
    ],
)
def test_urls_that_lead_nowhere(url, advice):
    with pytest.raises(StoreError, match=advice) as told:
        Store(url)
    assert "secret" not in str(told.value)


def test_a_server_that_is_away_is_to_be_started_and_not_to_be_moved_away():
    pytest.importorskip("psycopg")
    for options in ("", "?password=secret"):
        with pytest.raises(StoreError, match="start the server, or correct --db") as told:
            Store(f"postgresql+psycopg://u:secret@127.0.0.1:1/hub{options}")
        assert "secret" not in str(told.value)
