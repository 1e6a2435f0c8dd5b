"""The same job in other frameworks, to compare with; see docs/benchmarks.md."""
