"""How a dialogue is held: which messages a turn sends, and when a dialogue has ended."""

from liangxin.protocols.scripted import history, messages_for, next_turn

__all__ = ["history", "messages_for", "next_turn"]
