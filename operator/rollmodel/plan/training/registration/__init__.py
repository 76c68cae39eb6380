"""Registration of what a run logged: the gates were passed, a version is made, the alias is moved."""
