"""``rollmodel import``: objects of other tools as ModelDeployments, with a list of what has no counterpart."""
