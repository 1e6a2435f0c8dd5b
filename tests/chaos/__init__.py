"""The whole job under faults, compared figure by figure with an independent account."""
