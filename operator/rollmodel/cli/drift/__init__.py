"""What people see of DriftPolicies."""
