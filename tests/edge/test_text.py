import pytest

from edge.text import facts, fill, message, table


def test_names_stand_left_and_numbers_right() -> None:
    assert table(["name", "ms"], [["a", "1.25"]]) == "name    ms\na     1.25"
    assert table(["name", "of"], [["a", "b"]], names=2) == "name  of\na     b"


def test_a_unit_stands_below_its_heading() -> None:
    assert table(["name", "p95\nms"], [["a", "1"]]) == "      p95\nname   ms\na       1"


def test_a_name_gives_way_where_the_line_is_full() -> None:
    first, second = table(["n", "ms"], [["n" * 100, "1"], ["short", "22"]]).splitlines()[1:]
    assert first == "n" * 75 + "…" + "   1"  # 80 - 2 for the number - 2 between them
    assert second == "short" + " " * 73 + "22"


def test_a_text_goes_on_below_and_leaves_the_names_whole() -> None:
    rows = [["n" * 50, "1", "picked"], ["short", "2", "0.123 ms over the budget, which is small"]]
    assert table(["name", "ms", "why"], rows, wraps=True).splitlines() == [
        "name" + " " * 48 + "ms  why",
        "n" * 50 + "   1  picked",
        "short" + " " * 48 + "2  0.123 ms over the",
        " " * 56 + "budget, which is small",
    ]
    wide = table(["name", "why"], [["n" * 99, "0.123 ms over the budget"]], wraps=True)
    assert wide.splitlines()[1] == "n" * 99 + "  0.123 ms over the budget"


def test_names_are_data_and_no_markup() -> None:
    assert table(["[red]name[/]"], [["[b]:smile:[/b]"]]) == "[red]name[/]\n[b]:smile:[/b]"


def test_a_long_fact_is_wrapped_beside_its_name() -> None:
    assert facts({"A": "1", "Name": "word " * 16}).splitlines() == [
        "A     1",
        "Name  " + " ".join(["word"] * 15),
        "      word",
    ]


def test_a_terminal_gets_style_and_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    cyan = "\x1b[36m"
    assert cyan in table(["name"], [["a"]])
    monkeypatch.setenv("NO_COLOR", "1")
    assert cyan not in table(["name"], [["a"]])


def test_lines_after_the_first_are_indented() -> None:
    assert fill("word " * 17, indent=2).splitlines() == [" ".join(["word"] * 16), "  word"]


def test_a_message_is_wrapped_line_by_line_and_its_commands_are_not() -> None:
    command = "  facet " + "word " * 20 + "end"
    assert message("\n".join(["word " * 17, "  id: " + "word " * 16, command])).splitlines() == [
        " ".join(["word"] * 16),
        "  word",
        "  id: " + " ".join(["word"] * 15),
        "    word",
        command,
    ]


def test_a_terminal_is_not_told_what_to_do_by_a_name() -> None:
    evil = "a\x1b[2J\rb"
    for shown in (fill(evil), table([evil[0]], [[evil]]), facts({evil: evil})):
        assert "\x1b" not in shown
        assert "\r" not in shown
        assert "a\ufffd[2J\ufffdb" in shown


def test_wide_characters_take_two_columns_and_accents_none() -> None:
    assert table(["n", "ms"], [["画像", "1"], ["e\u0301", "2"]]).splitlines()[1:] == [
        "画像   1",
        "e\u0301      2",
    ]


def test_a_cell_is_one_line() -> None:
    assert table(["n", "ms"], [["a\nb\tc", "1"]]) == "n      ms\na b c   1"


def test_lines_of_a_fact_stay_lines_and_long_words_are_broken() -> None:
    assert facts({"A": "one\ntwo", "B": "w" * 78}).splitlines() == [
        "A  one",
        "   two",
        "B  " + "w" * 77,
        "   w",
    ]


def test_no_rows_no_facts() -> None:
    assert table(["name", "ms"], []) == "name  ms"
    assert facts({}) == ""
