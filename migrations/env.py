"""Run a part's revisions on the connection that store.schema.upgrade hands over."""

from alembic import context

part = context.config.attributes["part"]
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=part.metadata,
    version_table=part.version_table,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
