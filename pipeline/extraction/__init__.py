"""From a finished search to a family: candidates, judgement, choice."""
