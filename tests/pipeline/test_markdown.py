from pipeline.markdown import escape, table


def test_a_name_is_shown_as_it_is():
    assert escape("a|b *c* [d](e) <f> \\") == "a\\|b \\*c\\* \\[d\\](e) \\<f> \\\\"


def test_text_stands_to_the_left_and_numbers_to_the_right():
    assert table(["a", "b", "c"], [["x", "y", "1"]], names=2) == (
        "| a | b | c |\n| --- | --- | --: |\n| x | y | 1 |"
    )
