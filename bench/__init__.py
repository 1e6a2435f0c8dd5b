"""Load generator and throughput benchmarks."""
