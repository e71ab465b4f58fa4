"""Pure maths and domain types: no files, no clock, no environment, no logging."""
