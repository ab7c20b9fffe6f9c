"""Alembic's entry: runs on the connection that it is given, inside that connection's transaction."""

from alembic import context

from ehscheduler.store.schema import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    compare_type=True,
    # SQLite can alter little: a table is rebuilt. A rebuilt table loses its triggers; the migration writes them again.
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
