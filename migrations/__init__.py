"""One Alembic history for both stores; forward only."""
