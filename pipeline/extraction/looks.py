"""How many images a candidate is looked at with. No torch: the cost of a run is told before it."""

SCREEN_IMAGES = 500  # in the quick look
NORM_IMAGES = 2000  # of the training, which re-estimate statistics for the careful one
JUDGE_IMAGES = 3000  # in the careful one
