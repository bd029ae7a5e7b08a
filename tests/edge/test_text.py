from edge.text import fill, table


def test_names_stand_left_and_numbers_right() -> None:
    assert table([["name", "ms"], ["a", "1.25"]]) == "name    ms\na     1.25"


def test_a_name_gives_way_where_the_line_is_full() -> None:
    first, second = table([["n" * 100, "1"], ["short", "22"]]).splitlines()
    assert first == "n" * 75 + "…" + "   1"  # 80 - 2 for the number - 2 between them
    assert second == "short" + " " * 73 + "22"


def test_lines_after_the_first_are_indented() -> None:
    assert fill("word " * 17, indent=2).splitlines() == [" ".join(["word"] * 16), "  word"]
