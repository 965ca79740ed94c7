"""One module a notebook; see `dlutils.exercises`."""
