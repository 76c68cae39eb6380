"""``rollmodel dashboard``: a read-only page over the user's own kubeconfig."""
