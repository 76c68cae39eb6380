"""What the page of one object consists of: the same parts for all kinds, and what each kind puts in them."""
