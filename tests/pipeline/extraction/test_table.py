"""What an extraction saw, as CSV."""

from pipeline.extraction.evidence import Bin
from pipeline.extraction.steering import Use
from pipeline.extraction.table import control_csv, steering_csv


def test_bins_are_in_microseconds():
    assert control_csv([Bin(0.1, 0.2, 0.4, 0.5)]) == (
        "low_us,high_us,search_cross_entropy,control_cross_entropy\n"
        "100.000,200.000,0.40000,0.50000\n"
    )


def test_a_row_per_operation_and_penalty():
    assert steering_csv([Use("skip", 0.25, 0.5, 1 / 3)]) == (
        "operation,penalty,argmax_share,mean_probability\nskip,0.25000,0.50000,0.33333\n"
    )
