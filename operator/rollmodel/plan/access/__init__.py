"""Who may do what with the operator's rights: whose child it is, what a namespace may use, where nothing is made."""
