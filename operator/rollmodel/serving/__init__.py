"""What runs in users' pods: the model server and the init container that fetches the model."""
