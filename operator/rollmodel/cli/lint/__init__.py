"""``rollmodel lint``: what is wrong with manifests, and how long their policies take to decide, without a cluster."""
