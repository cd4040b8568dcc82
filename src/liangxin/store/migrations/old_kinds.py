"""Stores made before a judge's row said what the judge is: read off its SPEC, once, as it was read until then."""

from __future__ import annotations

from sqlalchemy import Connection, inspect, text

from liangxin.digests import canonical

_RECORDED, _SCRIPTED = "replay", "scripted"
_COSTLY = ("openai", "openai-completions", "anthropic", "litellm")


def kinds(connection: Connection) -> None:
    """Add the column `traits` to runs and judges, and fill it from what they name."""
    for table, spec, read in (("runs", "model", _model), ("judges", "spec", _judge)):
        if "traits" not in {column["name"] for column in inspect(connection).get_columns(table)}:
            connection.execute(text(f"ALTER TABLE {table} ADD COLUMN traits TEXT NOT NULL DEFAULT '{{}}'"))
        rows = [
            {"key": row[0], "traits": canonical(traits)}
            for row in connection.execute(text(f"SELECT key, {spec} FROM {table}")).all()
            if (traits := read(row[1]))
        ]
        if rows:
            connection.execute(text(f"UPDATE {table} SET traits = :traits WHERE key = :key"), rows)


def _model(spec: str) -> dict[str, object]:
    kind = spec.partition(":")[0]
    return _holding(
        recorded=kind == _RECORDED,
        scripted=kind == _SCRIPTED,
        costs=kind in _COSTLY,
        reads_file=kind in (_RECORDED, _SCRIPTED),
    )


def _judge(spec: str) -> dict[str, object]:
    kind, _, name = spec.partition(":")
    if kind == "jury":
        members = [_judge(one.strip()) for one in name.split(",")]
        return _holding(
            asks=[model for one in members for model in _asked(one)],
            **{flag: any(flag in one for one in members) for flag in ("costs", "needs_items", "reads_file")},
        )
    if kind == "llm":
        model = _model(name)
        return _holding(asks=[name] if name else [], costs="costs" in model, reads_file="reads_file" in model)
    labels = kind == "labels"
    return _holding(
        people=labels or kind == "people", from_labels=labels, needs_items=labels, reads_file=labels
    )


def _asked(traits: dict[str, object]) -> list[str]:
    asked = traits.get("asks")
    return asked if isinstance(asked, list) else []


def _holding(**traits: object) -> dict[str, object]:
    return {name: value for name, value in traits.items() if value}
