"""The command line door: one module a noun, each command a few lines around a use case."""
