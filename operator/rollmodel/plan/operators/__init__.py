"""Several operators in a cluster: who leads, who works in which namespaces, and what their Deployments show."""
