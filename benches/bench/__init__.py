"""The parts of `benches/run`, a file each."""
