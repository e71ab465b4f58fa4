"""The HTTP door: FastAPI routes of a few lines, problem answers, pages."""
