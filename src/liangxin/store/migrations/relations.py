"""Which rows belong to which: the foreign keys of every table, and how a store that has none gets them."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

RELATIONS: Mapping[str, Mapping[str, str]] = {
    "items": {"dataset": "datasets"},
    "runs": {"dataset": "datasets"},
    "run_items": {"run": "runs"},
    "turns": {"run, rank": "run_items"},
    "judges": {"run": "runs"},
    "judgements": {"run, rank": "run_items", "judge": "judges"},
    "looks": {"run": "runs"},
    "samples": {"run": "runs"},
    "invitations": {"project": "projects", "made_by": "accounts", "used_by": "accounts"},
    "sessions": {"account": "accounts"},
    "resets": {"account": "accounts", "made_by": "accounts"},
    "audit": {"account": "accounts"},
    "projects": {"made_by": "accounts"},
    "members": {"project": "projects", "account": "accounts"},
    "tasks": {"project": "projects"},
    "slots": {"task": "tasks", "run, rank": "run_items"},
    "seats": {"task": "tasks", "account": "accounts"},
    "responses": {"seat": "seats", "account": "accounts"},
    "marks": {"task, slot": "slots", "account": "accounts"},
    "decisions": {"task, slot": "slots", "account": "accounts"},
    "attacks": {"account": "accounts"},
    "attack_turns": {"attack": "attacks"},
    "choice_items": {"made_by": "accounts"},
    "uploads": {"project": "projects", "account": "accounts"},
}
"""Table to (columns to the table whose primary key they hold).

A column that only repeats what the row's parent says (`assignments.project` beside `assignments.task`) has none of its own:
on PostgreSQL each one locks a row that everybody writes under. `validations.run` is empty where a file was used,
an annotator may be a name in a file, and an item of a task or an attack is named by its benchmark's own id.
"""


def relate(connection: Connection) -> None:
    """Give every table its foreign keys; on SQLite the caller has switched their enforcement off.

    A row whose parent is missing (no command leaves one, but a store may have been changed by hand) stays where it
    is and is read by nothing, as before; from now on none is taken.
    """
    for table, parents in RELATIONS.items():
        if connection.dialect.name == "sqlite":
            _rebuild(connection, table, parents)
        else:
            for columns, parent in parents.items():
                _constrain(connection, table, columns, parent)


def _rebuild(connection: Connection, table: str, parents: Mapping[str, str]) -> None:
    """SQLite adds no constraint to a table: its rows move to a new one, which takes its name and its indices."""
    made = text("select sql from sqlite_master where tbl_name = :table and type = :kind and sql is not null")
    (create,) = connection.execute(made, {"table": table, "kind": "table"}).scalars()
    after = [
        statement
        for kind in ("index", "trigger")
        for statement in connection.execute(made, {"table": table, "kind": kind}).scalars()
    ]
    _, opening, rest = create.partition("(")
    body, closing, _ = rest.rpartition(")")
    keys = "".join(f", FOREIGN KEY ({columns}) REFERENCES {parent}" for columns, parent in parents.items())
    connection.exec_driver_sql(f"CREATE TABLE related_{table} {opening}{body}{keys}{closing}")
    connection.exec_driver_sql(f"INSERT INTO related_{table} SELECT * FROM {table} ORDER BY rowid")
    connection.exec_driver_sql(f"DROP TABLE {table}")
    connection.exec_driver_sql(f"ALTER TABLE related_{table} RENAME TO {table}")
    for statement in after:
        connection.exec_driver_sql(statement)


def _constrain(connection: Connection, table: str, columns: str, parent: str) -> None:
    name = f"{table}_{columns.replace(', ', '_')}_fkey"
    connection.exec_driver_sql(
        f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({columns}) REFERENCES {parent} NOT VALID"
    )
    try:
        with connection.begin_nested():
            connection.exec_driver_sql(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")
    except IntegrityError:
        return  # An orphan of old: the constraint holds for what is written from now on.
