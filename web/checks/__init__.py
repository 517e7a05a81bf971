"""The looks of ``kaoku doctor``: the installation itself, its data, and what runs."""
