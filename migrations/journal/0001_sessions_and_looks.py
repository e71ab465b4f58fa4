"""Sessions, and the log of every look with the triggers that keep it."""

import sqlalchemy as sa
from alembic import op

from store.types import Key, UtcTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# A body may be blanked (retention) with what was copied from it; nothing else may change. The
# chain tells whether the blanking was recorded.
_SQLITE = (
    """CREATE TRIGGER look_grows_at_its_end BEFORE INSERT ON look
    WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM look)
    BEGIN SELECT RAISE(ABORT, 'the log only grows at its end'); END""",
    """CREATE TRIGGER look_is_never_deleted BEFORE DELETE ON look
    BEGIN SELECT RAISE(ABORT, 'the log only grows at its end'); END""",
    """CREATE TRIGGER look_is_never_changed BEFORE UPDATE ON look
    WHEN OLD.body IS NULL OR NEW.body IS NOT NULL OR NEW.who IS NOT NULL OR NEW.what IS NOT NULL
        OR NEW.seq IS NOT OLD.seq OR NEW.at IS NOT OLD.at
        OR NEW.digest IS NOT OLD.digest OR NEW.head IS NOT OLD.head
    BEGIN SELECT RAISE(ABORT, 'the log only grows at its end'); END""",
)
_POSTGRESQL = (
    """CREATE FUNCTION refuse_change_of_look() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the log only grows at its end' USING ERRCODE = 'restrict_violation';
    END $$""",
    """CREATE FUNCTION look_grows_at_its_end() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.seq IS DISTINCT FROM (SELECT coalesce(max(seq), 0) + 1 FROM look) THEN
            RAISE EXCEPTION 'the log only grows at its end' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END $$""",
    """CREATE TRIGGER look_grows_at_its_end BEFORE INSERT ON look
    FOR EACH ROW EXECUTE FUNCTION look_grows_at_its_end()""",
    """CREATE TRIGGER look_is_never_deleted BEFORE DELETE OR TRUNCATE ON look
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_look()""",
    """CREATE TRIGGER look_is_never_changed BEFORE UPDATE ON look FOR EACH ROW
    WHEN (OLD.body IS NULL OR NEW.body IS NOT NULL OR NEW.who IS NOT NULL OR NEW.what IS NOT NULL
        OR (NEW.seq, NEW.at, NEW.digest, NEW.head)
            IS DISTINCT FROM (OLD.seq, OLD.at, OLD.digest, OLD.head))
    EXECUTE FUNCTION refuse_change_of_look()""",
)


def upgrade() -> None:
    """Create the tables of the journal."""
    _session()
    _look()
    postgresql = op.get_bind().dialect.name == "postgresql"
    for statement in _POSTGRESQL if postgresql else _SQLITE:
        op.execute(statement)


def _session() -> None:
    op.create_table(
        "session",
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=True),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("password_mark", sa.Text(), nullable=False),
        sa.Column("opened_at", UtcTime, nullable=False),
        sa.Column("expires_at", UtcTime, nullable=False),
        sa.Column("seen_at", UtcTime, nullable=False),
        sa.Column("csrf", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_session")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_session_name"), "session", ["name"])


def _look() -> None:
    op.create_table(
        "look",
        sa.Column("seq", Key, autoincrement=False, nullable=False),
        sa.Column("at", UtcTime, nullable=False),
        sa.Column("who", sa.Text(), nullable=True),
        sa.Column("what", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("head", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_look")),
    )
    op.create_index(op.f("ix_look_at"), "look", ["at"])
    op.create_index(op.f("ix_look_who_seq"), "look", ["who", "seq"])
    op.create_index(op.f("ix_look_what_seq"), "look", ["what", "seq"])
